"""Compare the steps per second of the iterative techniques with those of a plain loop.

    .venv/bin/python -m benchmarks.loops --out benchmarks/loops.md   # the table
    .venv/bin/python -m benchmarks.loops --runs 1 --steps 1          # a short trial without a file

The plain loop sends the picture through the whole eager network, whose parameters require
gradients, in torch's default memory format, and reads the layer with a hook. Ours is `optimize`
with the technique's own stage: the forward pass ends at the layer, parameters are frozen, batch
norms folded, memory is channels last, and the time includes all that the engine does between steps.
"bare" is ours without the engine. Losses and optimizers are the same. Before anything is timed, the
gradients are compared in double precision.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from benchmarks import tables
from benchmarks.interleaved import medians
from benchmarks.networks import calibrated
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.precision import probe_inputs
from workers.toolkit.network.unit import Unit
from workers.toolkit.optimization.deep_dream import DeepDream
from workers.toolkit.optimization.engine import History, Losses, Stage, optimize
from workers.toolkit.optimization.inversion import PublishedInversion
from workers.toolkit.optimization.maximization import Simonyan
from workers.toolkit.optimization.objectives import TargetTerm
from workers.toolkit.optimization.style_transfer import (
    StyleTransferOptions,
    StyleTransferStage,
    Weights,
)

LAYERS = {"mobilenet_v2": "features.12", "resnet50": "layer3", "vgg16": "features.22"}
STYLE_LAYERS = ("features.1", "features.6", "features.11", "features.18", "features.25")
FLOORS = {"mobilenet_v2": 2.4, "resnet50": 1.9, "vgg16": 1.7}
EYE = Preprocessing(256, 224, "bilinear", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
EXACT = 1e-9
RATE = 1e-5  # of inversion: small, for random weights would diverge at the published one
Plain = Callable[[dict[str, Tensor], Tensor, Tensor], Tensor]
"""(outputs of the layers, picture, what the network saw) → loss"""


@dataclass(frozen=True)
class MaximizationParams:
    """Activation maximization by gradient steps in the pixels, with an L2 penalty only."""

    count: int = 1
    steps: int = 1
    rate: float = 0.01
    l2: float = 1e-4
    tv: float = 0.0
    alpha_norm: float = 0.0
    blur_every: int = 0
    jitter: int = 0
    zoom: float = 1.0
    noise: float = 0.0


@dataclass(frozen=True)
class InversionParams:
    """The published inversion."""

    restarts: int = 1
    steps: int = 400
    rate: float = RATE
    alpha: float = 6.0
    alpha_weight: float = 8e-10


@dataclass(frozen=True)
class Loop:
    """One technique on one network: its stage, and the same loss for the plain loop."""

    technique: str
    model: str
    layers: tuple[str, ...]
    stage: Stage
    loss: Plain
    eager: nn.Module
    start: Tensor

    def plain_losses(self, picture: Tensor) -> Losses:
        """Return the loss of the plain loop."""
        seen: dict[str, Tensor] = {}

        def keep(path: str) -> Callable[..., None]:
            return lambda _part, _given, output: seen.__setitem__(path, output.clone())

        handles = [
            self.eager.get_submodule(path).register_forward_hook(keep(path)) for path in self.layers
        ]
        x = EYE.normalize(picture)
        try:
            self.eager(x)
        finally:
            for handle in handles:
                handle.remove()
        return Losses({"loss": self.loss(seen, picture, x)})

    def plain(self, steps: int) -> None:
        self._loop(steps, self.plain_losses)

    def bare(self, steps: int) -> None:
        self._loop(steps, self._own_losses)

    def engine(self, steps: int) -> None:
        optimize(
            [replace(self.stage, steps=steps)],
            Silent(checkpoints=False),
            seed=0,
            device=self.start.device,
        )

    def difference(self) -> float:
        """Of the two gradients, by the largest entry."""
        ours = _gradient(self._own_losses, self.start)
        theirs = _gradient(self.plain_losses, self.start)
        return float((ours - theirs).abs().max() / theirs.abs().max())

    def _own_losses(self, picture: Tensor) -> Losses:
        return self.stage.objective(picture, 10**6, torch.Generator().manual_seed(0))

    def _loop(self, steps: int, losses: Callable[[Tensor], Losses]) -> None:
        made = self.stage.begin(History(), torch.Generator().manual_seed(0))
        optimizer = self.stage.optimizer(made.parameters)

        def closure() -> Tensor:
            optimizer.zero_grad()
            picture = made.picture()
            return losses(picture).backward(picture)

        for step in range(steps):
            optimizer.step(closure)  # type: ignore[arg-type]
            self.stage.after_step(made, step)


class Silent(LocalContext):
    def wants_preview(self) -> bool:
        return False


def loops(name: str, device: torch.device, dtype: torch.dtype, side: int = 224) -> Iterator[Loop]:
    """Every technique at that network's layer."""
    eager = calibrated(name, side).to(device, dtype)
    network = Network(deepcopy(eager), 3, side, side)
    start = EYE.picture(probe_inputs((3, side, side))[1:]).clamp(0, 1).to(device, dtype)
    path = LAYERS[name]
    for technique, make in (
        ("dream", _dream),
        ("maximization", _maximization),
        ("inversion", _inversion),
    ):
        stage, loss = make(network, path, start)
        yield Loop(technique, name, (path,), stage, loss, eager, start)
    if name == "vgg16":
        stage, loss = _style(network, start)
        yield Loop("style", name, STYLE_LAYERS, stage, loss, eager, start)


def _dream(network: Network, path: str, start: Tensor) -> tuple[Stage, Plain]:
    """½ mean a² of the layer; normalized gradients."""
    side = start.shape[2]
    terms = [TargetTerm(path, Unit(path))]
    dream = DeepDream(network, EYE, terms, [(side, side)], 1, 1.5, 0, side // 8)

    def loss(seen: dict[str, Tensor], picture: Tensor, x: Tensor) -> Tensor:
        return -0.5 * seen[path].square().mean()

    return dream.octave(0, lambda history: start, ""), loss


def _maximization(network: Network, path: str, start: Tensor) -> tuple[Stage, Plain]:
    """Maximize the mean of channel 0 less λ‖x‖² (Simonyan et al. 2014)."""
    maximization = Simonyan(network, EYE, Unit(path, 0), MaximizationParams(), start)

    def loss(seen: dict[str, Tensor], picture: Tensor, x: Tensor) -> Tensor:
        return -seen[path][:, 0].mean() + 1e-4 * x.square().sum()

    return maximization.stage(), loss


def _inversion(network: Network, path: str, start: Tensor) -> tuple[Stage, Plain]:
    """‖Φ − Φ0‖²/‖Φ0‖² with total variation and α-norm, by momentum (Mahendran & Vedaldi 2015)."""
    with torch.no_grad():
        embedding = network.run(EYE.normalize(start), path)
    params = InversionParams()
    inversion = PublishedInversion(network, EYE, path, embedding, params, tv=10.0, jitter=0.0)
    square = inversion.norm**2

    def loss(seen: dict[str, Tensor], picture: Tensor, x: Tensor) -> Tensor:
        levels = 255 * (picture - torch.tensor(EYE.mean).to(picture)[:, None, None])
        variation = levels.diff(dim=3).square().sum() + levels.diff(dim=2).square().sum()
        error = (seen[path] - embedding).square().sum() / embedding.square().sum()
        return error + (10 / 2 * variation + 8e-10 / 2 * levels.abs().pow(6).sum()) / square

    return inversion.stage(), loss


def _style(network: Network, start: Tensor) -> tuple[Stage, Plain]:
    """Gatys et al. 2016, by Adam."""
    style, layers = start.flip(2), STYLE_LAYERS
    options = StyleTransferOptions(
        recipe="gatys",
        content_layers=("features.18",),
        style_layers=layers,
        weights=Weights(content=1.0, style=1.0, tv=0.0, palette=0.0),
        shares=[1.0],
        start="style",
        keep_colours=False,
        optimizer="adam",
        rate=0.02,
    )
    stage = StyleTransferStage(lambda height, width: network, EYE, start, [style], 1, options)
    with torch.no_grad():
        target = network.run(EYE.normalize(start), "features.18")
        grams = [_gram(output) for output in network.run_all(EYE.normalize(style), layers)]

    def loss(seen: dict[str, Tensor], picture: Tensor, x: Tensor) -> Tensor:
        total = (seen["features.18"] - target).square().mean()
        for path, gram in zip(layers, grams, strict=True):
            total = total + 1000 / len(gram) ** 2 * (_gram(seen[path]) - gram).square().mean()
        return total

    return stage.stage(), loss


def _gram(output: Tensor) -> Tensor:
    flat = output[0].flatten(1)
    return flat @ flat.T / flat.shape[1]


def _gradient(losses: Callable[[Tensor], Losses], picture: Tensor) -> Tensor:
    picture = picture.clone().requires_grad_()
    losses(picture).backward(picture)
    assert picture.grad is not None
    return picture.grad


def rows(name: str, options: argparse.Namespace) -> Iterator[str]:
    device = torch.device(options.device)
    exact = [loop.difference() for loop in loops(name, device, torch.double)]
    assert max(exact) < EXACT, exact
    for loop, error in zip(loops(name, device, torch.float32), exact, strict=True):
        ways = {"plain": loop.plain, "bare": loop.bare, "ours": loop.engine}
        taken = medians(
            {way: _steps(run, options.steps) for way, run in ways.items()}, options.runs, device
        )
        plain, bare, ours = (taken[way] / options.steps * 1000 for way in ways)
        times = f"{plain:.1f} | {ours:.1f} | {1000 / ours:.1f}"
        step = f"{times} | **{plain / ours:.2f}** | {ours - bare:+.1f}"
        floor = f"{FLOORS[name]}" if loop.technique == "dream" else ""
        yield f"| {loop.technique} | {name} {LAYERS[name]} | {step} | {floor} | {error:.0e} |"


def _steps(run: Callable[[int], None], steps: int) -> Callable[[], None]:
    return lambda: run(steps)


HEAD = [
    "| technique | network, layer | plain, ms a step | ours | steps a second | plain / ours "
    "| the engine's part, ms | floor | gradients differ by |",
    "|---|---|---|---|---|---|---|---|---|",
]


def main() -> None:
    parser = tables.parser(__doc__, list(LAYERS))
    parser.add_argument("--steps", type=int, default=3, help="in each run")
    tables.write_table(HEAD, rows, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
