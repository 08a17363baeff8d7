"""The files that an optimization leaves. The animation holds every frame."""

import io

import pytest
from PIL import Image

from workers.toolkit.execution.context import LocalContext
from workers.toolkit.optimization.artifacts import save_animation


def test_the_animation_holds_every_frame_and_runs_for_ever() -> None:
    context = LocalContext()
    frames = [Image.new("RGB", (24, 16), (40 * i, 0, 255 - 40 * i)) for i in range(5)]
    save_animation(context, "zoom.webp", frames, 80)
    with Image.open(io.BytesIO(context.files["zoom.webp"])) as animation:
        assert (animation.format, animation.size, animation.n_frames, animation.info["loop"]) == (
            "WEBP",
            (24, 16),
            5,
            0,
        )
        for i in range(5):
            animation.seek(i)
            red = animation.convert("RGB").getpixel((12, 8))[0]
            assert red == pytest.approx(40 * i, abs=8)
