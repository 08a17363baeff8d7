"""What the API says of a file is what the worker makes of it."""

import io
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import pytest
from PIL import Image

from jobs.settings import Settings
from service.problems import Problem
from service.uploads.image_validation import validate_image
from tests.imaging.reading import FILES
from tests.service.test_damaged_images import SEEDS
from workers.toolkit.errors import UnreadableImage
from workers.toolkit.images.decode import decode

PHOTO = Image.effect_mandelbrot((60, 40), (-2, -1, 1, 1), 50).convert("RGB")
MADE: dict[str, Callable[[], bytes]] = {
    **{path.name: path.read_bytes for path in sorted(FILES.iterdir())},
    **{name: lambda make=make: make(PHOTO) for name, make in SEEDS.items()},
}


@pytest.mark.parametrize("name", MADE)
def test_both_accept_or_refuse_and_see_one_size(name: str) -> None:
    data = MADE[name]()
    try:
        facts = validate_image(data, Settings(), nullcontext)
    except Problem as problem:
        with pytest.raises(UnreadableImage, match=problem.detail[:20]):
            decode(data)
        return
    seen = decode(data)
    assert (seen.mode, seen.size, seen.info) == ("RGB", (facts.width, facts.height), {})
    if not facts.conversions and facts.media_type != "image/heic":
        with Image.open(io.BytesIO(data)) as plain:
            assert np.array_equal(np.asarray(seen), np.asarray(plain))
