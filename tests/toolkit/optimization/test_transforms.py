"""Random views at their limits. Their randomness comes from the generator alone."""

import pytest
import torch
from torch import Tensor

from workers.toolkit.optimization.transforms import RandomAffine, RandomCrop, enlarge_centre

PICTURE = torch.rand(1, 3, 9, 15, generator=torch.Generator().manual_seed(0))


def drawn(*numbers: float) -> torch.Generator:
    """Return a generator that draws these numbers: shift x, shift y, scale and turn in −1..1."""
    return _Given(numbers)  # type: ignore[return-value]


class _Given:
    def __init__(self, numbers: tuple[float, ...]) -> None:
        self.numbers = numbers


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch.rand return the given numbers if it is called with such a generator."""
    real = torch.rand

    def rand(*shape: int, generator: object = None) -> Tensor:
        if isinstance(generator, _Given):
            return ((torch.tensor(generator.numbers) + 1) / 2)[:, None].expand(shape)
        return real(*shape, generator=generator)  # type: ignore[arg-type]

    monkeypatch.setattr(torch, "rand", rand)


def test_without_parameters_the_picture_is_returned() -> None:
    assert RandomAffine()(PICTURE, drawn(1, 1, 1, 1)) is PICTURE


def test_a_shift_of_whole_pixels_moves_them_and_brings_in_grey() -> None:
    seen = RandomAffine(shift=3)(PICTURE, drawn(1, 0, 0, 0))
    assert torch.allclose(seen[..., :-3], PICTURE[..., 3:], atol=1e-5)
    assert torch.allclose(seen[..., -3:], torch.full((), 0.5), atol=1e-5)
    seen = RandomAffine(shift=2)(PICTURE, drawn(0, -1, 0, 0))
    assert torch.allclose(seen[..., 2:, :], PICTURE[..., :-2, :], atol=1e-5)


def test_a_quarter_turn_is_a_quarter_turn_also_of_an_oblong_picture() -> None:
    seen = RandomAffine(turn=90)(PICTURE, drawn(0, 0, 0, 1))
    middle = PICTURE[..., 3:12]  # the square that stays inside
    turned = seen[..., 3:12]
    assert torch.allclose(turned, middle.rot90(1, (2, 3)), atol=1e-5) or torch.allclose(
        turned, middle.rot90(-1, (2, 3)), atol=1e-5
    )


def test_scale_enlarges_around_the_middle() -> None:
    ramp = torch.linspace(-1, 1, 15).expand(1, 1, 9, 15) * 0.4 + 0.5
    seen = RandomAffine(scale=1)(ramp, drawn(0, 0, 1, 0))  # twice as large
    slope = (seen[0, 0, 4, 8] - seen[0, 0, 4, 6]) / (ramp[0, 0, 4, 8] - ramp[0, 0, 4, 6])
    assert float(slope) == pytest.approx(0.5, abs=1e-4)
    assert float(seen[0, 0, 4, 7]) == pytest.approx(0.5, abs=1e-5)


def test_the_generator_alone_decides() -> None:
    jiggle = RandomAffine(3, 0.1, 10)
    one, same, other = (jiggle(PICTURE, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_zoom_shows_a_part_of_the_middle_and_adds_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest part, half of the side, is centred: torch.rand and the position are 0."""
    monkeypatch.setattr(torch, "rand", lambda *shape, generator: torch.zeros(shape))
    grain = torch.full((), 0.25)
    monkeypatch.setattr(
        torch,
        "randn",
        lambda *shape, generator: torch.zeros(shape) if len(shape) == 2 else grain.expand(*shape),
    )
    ramp = (torch.arange(16) / 16).expand(1, 1, 16, 16)
    seen = RandomCrop(part=0.5, noise=0.4)(ramp, torch.Generator())
    # The position in the picture of each pixel of the view.
    middles = 4 + (torch.arange(16) + 0.5) / 2 - 0.5
    assert torch.allclose(seen[0, 0, 5], middles / 16 + 0.1, atol=1e-5)


def test_beyond_the_border_a_zoom_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    # The largest part of the side: 1.1.
    monkeypatch.setattr(torch, "rand", lambda *shape, generator: torch.ones(shape))
    monkeypatch.setattr(
        torch,
        "randn",
        lambda *shape, generator: torch.zeros(shape[0] if len(shape) == 1 else shape),
    )
    white = torch.ones(1, 3, 20, 20)
    assert torch.allclose(RandomCrop(0.5, 0.0)(white, torch.Generator()), white)


def test_enlarged_a_ramp_is_flattened_about_the_middle() -> None:
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
