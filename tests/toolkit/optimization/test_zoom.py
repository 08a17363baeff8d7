"""Coming nearer: a ramp becomes a flatter ramp about its middle; the animation holds every frame."""

import io

import pytest
import torch
from PIL import Image

from workers.toolkit.execution.context import LocalContext
from workers.toolkit.optimization.transforms import enlarge_centre, save_animation


def test_a_ramp_is_flattened_about_the_middle() -> None:
    ramp = torch.linspace(0, 1, 41).expand(1, 3, 20, 41)
    nearer = enlarge_centre(ramp, 1.25)
    expected = 0.5 + (torch.arange(41) - 20) / 40 / 1.25
    assert nearer.shape == ramp.shape
    assert torch.allclose(nearer[0, 0, 10], expected, atol=2e-3)


def test_what_a_cubic_overshoots_is_clipped() -> None:
    step = torch.zeros(1, 1, 8, 8)
    step[..., 4:] = 1
    assert enlarge_centre(step, 1.1).min() >= 0
    assert enlarge_centre(step, 1.1).max() <= 1


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
