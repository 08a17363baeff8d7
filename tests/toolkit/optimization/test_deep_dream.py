"""DeepDream against its published step, written out. Tiles leave no visible seam."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.techniques.running import Recording
from tests.tiny import SIDE, EveryRelu, TinyNetwork, photo, seeded, tiny_model
from tests.toolkit.networks import network
from workers.toolkit.images.picture import from_image
from workers.toolkit.network.unit import Unit
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.deep_dream import DeepDream, octave_sizes, resized, told_apart
from workers.toolkit.optimization.engine import History, Losses, OptimizationResult, optimize
from workers.toolkit.optimization.objectives import TargetTerm

LAYER = TargetTerm("conv3", Unit("conv3"))


def dream_of(model: VisionModel, **changed: Any) -> DeepDream:
    fields = {
        "terms": [LAYER],
        "sizes": [(SIDE, SIDE)],
        "steps": 1,
        "rate": 1.5,
        "jitter": 0,
        "overlap": SIDE // 8,
    }
    return DeepDream(model.network, model.preprocessing, **{**fields, **changed})


def dreamt(dream: DeepDream, base: Tensor, seed: int = 0) -> OptimizationResult:
    stages = [dream.octave(i, lambda history: base, "") for i in range(len(dream.sizes))]
    return optimize(stages, Recording(), seed=seed, device=torch.device("cpu"))


def unshifted_losses(dream: DeepDream, base: Tensor) -> Losses:
    return dream.losses(base, dream.tiles(*base.shape[2:]), (0, 0))


def gradient(losses: Losses) -> Tensor:
    assert losses.gradient is not None
    return losses.gradient


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    return from_image(photo(width, height, seed=seed))


def gradient_of(module: nn.Module, model: VisionModel, x: Tensor, path: str) -> Tensor:
    """Return the gradient of ½ Σ a², computed with a hook."""
    x = x.clone().requires_grad_()
    seen: list[Tensor] = []
    handle = module.get_submodule(path).register_forward_hook(
        lambda _part, _given, out: seen.append(out.clone())
    )
    module(model.preprocessing.normalize(x))
    handle.remove()
    return torch.autograd.grad(seen[-1].square().sum() / 2, x)[0]


def test_one_step_is_the_published_one() -> None:
    """The step is x + 1.5 · g / mean|g| in levels of 0..255, clipped."""
    model, base = tiny_model(), picture(SIDE, SIDE)
    gradient = gradient_of(seeded(TinyNetwork), model, base, "conv3")
    expected = (255 * base + 1.5 * gradient / gradient.abs().mean()).clamp(0, 255) / 255
    assert torch.allclose(dreamt(dream_of(model), base).picture, expected, atol=1e-5)


def test_jitter_is_a_roll_there_and_back() -> None:
    model, base = tiny_model(), picture(SIDE, SIDE)
    generator = torch.Generator().manual_seed(5)
    down, across = (int(torch.randint(-8, 9, (1,), generator=generator)) for _ in range(2))
    assert (down, across) != (0, 0)
    rolled = base.roll((-down, -across), (2, 3))
    gradient = gradient_of(seeded(TinyNetwork), model, rolled, "conv3").roll((down, across), (2, 3))
    expected = (base + 1.5 / 255 * gradient / gradient.abs().mean()).clamp(0, 1)
    assert torch.allclose(
        dreamt(dream_of(model, jitter=8), base, seed=5).picture, expected, atol=1e-5
    )


def test_an_octave_begins_with_the_detail_of_the_one_before() -> None:
    dream, base = dream_of(tiny_model(), sizes=[(20, 30), (28, 42), (39, 59)]), picture(39, 59)
    generator = torch.Generator()
    stages = [dream.octave(i, lambda history: base, "") for i in range(3)]
    coarse = stages[0].begin(History(), generator).picture()
    assert torch.equal(coarse, resized(base, (20, 30)))
    detail = torch.zeros(1, 3, 20, 30)
    detail[..., 5:9, 7:20] = 0.25
    begun = stages[1].begin(History(coarse + detail), generator).picture()
    carried = F.interpolate(detail, (28, 42), mode="bilinear", align_corners=False)
    assert torch.allclose(begun, resized(base, (28, 42)) + carried, atol=1e-6)


def test_what_is_seen_grows_in_every_octave() -> None:
    dream = dream_of(tiny_model(), sizes=octave_sizes(70, 50, 3, 1.4), steps=6)
    losses = [step["conv3"] for step in dreamt(dream, picture(70, 50)).curve]
    for octave in range(3):
        assert losses[6 * octave + 5] < losses[6 * octave]


@pytest.mark.parametrize("weight", [1.0, -1.0])
def test_a_target_below_zero_is_avoided(weight: float) -> None:
    terms = [LAYER, TargetTerm("class", Unit("", 3), 20 * weight)]
    dream, base = dream_of(tiny_model(), terms=terms, steps=8), picture(SIDE, SIDE)
    before, after = (dream.scores(one)[1] for one in (base, dreamt(dream, base).picture))
    assert (after > before) == (weight > 0)


def test_weights_weigh_gradients() -> None:
    model, base = tiny_model(), picture(SIDE, SIDE)
    terms = [
        TargetTerm("conv2", Unit("conv2"), 0.5, 3.0),
        TargetTerm("conv3", Unit("conv3"), -2.0, 0.25),
    ]
    together = unshifted_losses(dream_of(model, terms=terms), base)
    first, second = (
        unshifted_losses(dream_of(model, terms=[TargetTerm(term.name, term.unit)]), base)
        for term in terms
    )
    expected = 1.5 * gradient(first) - 0.5 * gradient(second)
    assert torch.allclose(gradient(together), expected, atol=1e-7)
    assert torch.allclose(together.parts["conv2"], 1.5 * first.parts["conv2"])
    assert torch.allclose(together.parts["conv3"], -0.5 * second.parts["conv3"])


class Dead(nn.Module):
    """A network with a rectifier that is always off."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv(x) - 100).mean((2, 3))


def test_a_channel_that_is_off_everywhere_is_woken() -> None:
    model = tiny_model()
    dream = DeepDream(
        network(seeded(Dead)),
        model.preprocessing,
        [TargetTerm("x", Unit("relu", 1))],
        [(SIDE, SIDE)],
        1,
        1.5,
        0,
        4,
    )
    base = picture(SIDE, SIDE)
    assert (dreamt(dream, base).picture - base).abs().mean() * 255 == pytest.approx(1.5, rel=0.05)


def test_tiles_find_what_the_whole_picture_finds_away_from_their_borders() -> None:
    """For a layer with a receptive field of 5 × 5, gradients agree 4 pixels from any border."""
    model, layer, side = tiny_model(EveryRelu), [TargetTerm("x", Unit("convs.1"))], 72
    base = picture(side, side)
    whole = gradient_of(seeded(EveryRelu), model, base, "convs.1") / (5 * side**2)
    losses = unshifted_losses(dream_of(model, terms=layer), base)
    tiled = -gradient(losses) * SIDE**2 / side**2
    borders = [line for corner in (0, 24, 48) for line in (corner, (corner + SIDE) % side)]
    near = torch.tensor(
        [min(abs(p - line) for line in borders) < 5 or not 4 < p < side - 5 for p in range(side)]
    )
    clear = ~(near[:, None] | near[None])
    assert clear.sum() > 300
    assert torch.allclose(tiled[..., clear], whole[..., clear], rtol=1e-3, atol=1e-9)
    assert not torch.allclose(tiled, whole, rtol=0.1)


def seam(dream: DeepDream, lines: list[int]) -> float:
    """Return how much more a picture's change jumps across those lines than elsewhere.

    The mean is taken over several pictures.
    """
    across, elsewhere = 0.0, 0.0
    for seed in range(6):
        base = picture(96, 96, seed=seed)
        change = dreamt(dream, base, seed).picture - base
        across_columns = change.diff(dim=3).abs().mean((0, 1, 2))  # (95,)
        across_rows = change.diff(dim=2).abs().mean((0, 1, 3))
        jumps = across_columns + across_rows
        at = torch.zeros(95, dtype=torch.bool).index_fill(0, torch.tensor(lines) - 1, True)
        across, elsewhere = across + float(jumps[at].mean()), elsewhere + float(jumps[~at].mean())
    return across / elsewhere


def test_no_seam_is_seen_where_tiles_meet() -> None:
    """Unshifted tiles without overlap leave a seam, as the control shows; DeepDream's do not."""
    large = {"sizes": [(96, 96)], "steps": 10, "terms": [TargetTerm("conv2", Unit("conv2"))]}
    still = seam(dream_of(tiny_model(), **large, overlap=0), [32, 64])
    overlapping = seam(dream_of(tiny_model(), **large), [24, 32, 48, 56, 72, 80])
    moving = seam(dream_of(tiny_model(), **large, jitter=8), [24, 32, 48, 56, 72, 80])
    assert abs(still - 1) > 0.3
    assert abs(overlapping - 1) < 0.05
    assert abs(moving - 1) < 0.05


def test_octaves_grow_by_the_scale_to_the_pictures_size() -> None:
    assert octave_sizes(320, 448, 4, 1.4) == [(117, 163), (163, 229), (229, 320), (320, 448)]
    assert octave_sizes(8, 3, 2, 4.0) == [(2, 2), (8, 3)]


def recurrence(picture: Tensor, height: int, width: int) -> float:
    """Return the correlation of a picture with itself, rolled by so many pixels."""
    grey = picture.mean((0, 1)) - picture.mean()
    return float((grey * grey.roll((height, width), (0, 1))).mean() / grey.square().mean())


def test_no_motif_recurs_in_a_plain_picture_at_the_distance_of_the_tiles() -> None:
    """Two tiles in a row of 48 pixels lie 24 apart, and saw the same plain grey."""
    dream = dream_of(tiny_model(), sizes=[(48, 48)], steps=8, jitter=8)
    plain = dreamt(dream, torch.full((1, 3, 48, 48), 0.5)).picture
    assert dream.tiles(48, 48).count == 4
    for lag in ((0, 24), (24, 0), (24, 24)):
        assert abs(recurrence(plain, *lag)) < 0.6


def test_only_where_two_tiles_are_the_same_they_are_told_apart() -> None:
    tiles, generator = dream_of(tiny_model()).tiles(96, 96), torch.Generator().manual_seed(0)
    photograph = picture(96, 96)
    assert told_apart(photograph, tiles, generator) is photograph
    half = photograph.clone()
    half[..., :70, :] = 0.5
    apart = told_apart(half, tiles, generator)
    assert torch.equal(apart[..., 70:, :], half[..., 70:, :])
    noise = 255 * (apart - half)[..., :50, :]
    assert float(noise.std()) == pytest.approx(1, rel=0.05)
    drawn = torch.Generator().manual_seed(0)
    assert torch.equal(told_apart(half, tiles, drawn), apart)
