"""Measure the techniques on a CUDA device, and those of others: milliseconds and peak memory.

    python -m benchmarks.gpu --out benchmarks/gpu.md
    # In small:
    python -m benchmarks.gpu --device cpu --models mobilenet_v2 --side 64 --runs 1 --steps 2

This runs from a bare checkout: it needs torch, torchvision, timm and psutil, and no part of the
service. With scikit-image, batch norms know the statistics of its photographs, and more of them can
be folded. Attributions of the toolkit are compared with captum, or, where that is not installed,
with saliency and occlusion as one would write them. Iterative steps are compared with the plain
loop of benchmarks/loops.py. Before anything is timed, results are compared with the peer's in
double precision, and those of the incremental engine with those of the dense one. Occlusion is
timed with the engine that the service would choose. MB is what a run needs besides the weights.
Everything runs in single precision with TF32 off.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.interleaved import medians
from benchmarks.loops import LAYERS, Loop, loops
from benchmarks.networks import calibrated, separate_relus
from workers.toolkit.attribution.grad_cam import class_activation_map
from workers.toolkit.attribution.integrated_gradients import integrated_gradients
from workers.toolkit.execution.batches import batch_size
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.precision import probe_inputs, set_tf32
from workers.toolkit.network.rectifiers import guided
from workers.toolkit.network.unit import Unit
from workers.toolkit.occlusion.choose_engine import choose_engine, dense_engine
from workers.toolkit.occlusion.engines import Engine
from workers.toolkit.occlusion.grid import rectangles, spread
from workers.toolkit.occlusion.request import OcclusionRequest

MODELS = ("resnet18", "resnet50", "mobilenet_v2", "vgg16", "efficientnet_lite0")
CAM_LAYERS = {
    "resnet18": "layer4",
    "resnet50": "layer4",
    "mobilenet_v2": "features.18.0",
    "vgg16": "features.28",
}
WINDOW, STEPS, BATCH = 32, 50, 32
EXACT = 1e-9
# Maps of occlusion, and captum's weights of integrated gradients, are in single precision.
ROUNDED = {"occlusion": 1e-6, "integrated_gradients": 1e-7}
Work = Callable[[], Tensor]


@dataclass(frozen=True)
class Case:
    """One network and one input."""

    eager: nn.Module
    network: Network
    x: Tensor
    unit: Unit
    layer: str
    stride: int

    @classmethod
    def of(cls, name: str, options: argparse.Namespace, dtype: torch.dtype) -> "Case":
        side, device = options.side, torch.device(options.device)
        eager, prepared = (
            calibrated(name, side).to(device, dtype).requires_grad_(False) for _ in range(2)
        )
        network = Network(prepared, 3, side, side)
        x = probe_inputs(network.input_shape)[1:].to(device, dtype)
        unit = Unit(LOGITS, int(network.logits(x).argmax()))
        return cls(
            separate_relus(eager),
            network,
            x,
            unit,
            CAM_LAYERS.get(name, "conv_head"),
            options.stride,
        )

    @property
    def relu_only(self) -> bool:
        """Return whether captum's guided backpropagation applies, which does not know ReLU6."""
        return not any(isinstance(part, nn.ReLU6) for part in self.eager.modules())

    @property
    def target(self) -> int:
        assert self.unit.channel is not None
        return self.unit.channel

    def engines(self) -> tuple[Engine, Engine]:
        """Return the engine that the service would choose, and the dense one."""
        x, patches = self.x, rectangles(*self.x.shape[2:], WINDOW, self.stride)
        fill = torch.zeros_like(x[0])
        request = OcclusionRequest(
            self.network, LOGITS, lambda output: output[:, self.target], x, patches, fill
        )
        chosen = choose_engine(request)
        return chosen, dense_engine(request, chosen.batches)


def ours(case: Case) -> dict[str, Work]:
    network, x, unit = case.network, case.x, case.unit
    return {
        "forward": lambda: network.logits(x),
        "saliency": lambda: input_gradient(network, unit, x),
        "guided_backprop": lambda: input_gradient(network, unit, x, guided),
        "grad_cam": lambda: class_activation_map(network, unit, case.layer, x),
        "integrated_gradients": lambda: integrated_gradients(
            lambda some: input_gradient(network, unit, some),
            x,
            torch.zeros_like(x),
            STEPS,
            lambda done: None,
            batch=batch_size(network, LOGITS, gradient=True),
        ),
        "occlusion": lambda: occluded(case, case.engines()[0]),
    }


def occluded(case: Case, engine: Engine) -> Tensor:
    """Return the map (H, W)."""
    x = case.x
    patches = rectangles(*x.shape[2:], WINDOW, case.stride)
    scores = x.new_zeros(len(patches))
    for batch in engine.batches:
        scores[torch.from_numpy(batch).to(x.device)] = engine.scores(batch)
    clean = case.network.logits(x)[:, case.target]
    return spread(clean - scores, patches, x.shape[2], x.shape[3], mean=True)


def peers(case: Case) -> dict[str, Work]:
    return captum(case) if find_spec("captum") else plain(case)


def captum(case: Case) -> dict[str, Work]:
    from captum.attr import (  # noqa: PLC0415
        GuidedBackprop,
        IntegratedGradients,
        LayerGradCam,
        Occlusion,
        Saliency,
    )

    module, x, target = case.eager, case.x, case.target
    window, stride = (3, WINDOW, WINDOW), (3, case.stride, case.stride)
    where_known = (
        {"guided_backprop": lambda: GuidedBackprop(module).attribute(x, target)}
        if case.relu_only
        else {}
    )
    return where_known | {
        "saliency": lambda: Saliency(module).attribute(x, target, abs=False),
        "grad_cam": lambda: LayerGradCam(module, module.get_submodule(case.layer)).attribute(
            x, target
        )[0, 0],
        "integrated_gradients": lambda: IntegratedGradients(module).attribute(
            x, target=target, n_steps=STEPS, internal_batch_size=STEPS
        ),
        "occlusion": lambda: Occlusion(module).attribute(
            x, window, stride, target=target, perturbations_per_eval=BATCH
        )[0, 0],
    }


def plain(case: Case) -> dict[str, Work]:
    """Return what one would write without captum."""
    x, patches = case.x, rectangles(*case.x.shape[2:], WINDOW, case.stride)

    def saliency() -> Tensor:
        image = x.clone().requires_grad_()
        return torch.autograd.grad(case.eager(image)[0, case.target], image)[0]

    def occlusion() -> Tensor:
        scores = []
        for some in (patches[start : start + BATCH] for start in range(0, len(patches), BATCH)):
            images = x.repeat(len(some), 1, 1, 1)
            for image, (left, top, right, bottom) in zip(images, some, strict=True):
                image[:, top:bottom, left:right] = 0
            scores.append(case.eager(images)[:, case.target])
        falls = case.eager(x)[:, case.target] - torch.cat(scores)
        return spread(falls, patches, x.shape[2], x.shape[3], mean=True)

    return {"saliency": saliency, "occlusion": torch.no_grad()(occlusion)}


def compared(case: Case) -> None:
    """Raise AssertionError if a result differs from the peer's, or between the engines."""
    mine = ours(case)
    chosen, dense = (occluded(case, engine) for engine in case.engines())
    assert float((chosen - dense).abs().max() / dense.abs().max()) < ROUNDED["occlusion"]
    for technique, theirs in peers(case).items():
        a, b = (made().detach().squeeze().double().cpu() for made in (mine[technique], theirs))
        off = float((a - b).abs().max() / b.abs().max())
        assert off < ROUNDED.get(technique, EXACT), (technique, off)


def attribution_rows(name: str, options: argparse.Namespace) -> Iterator[str]:
    compared(Case.of(name, options, torch.double))
    case = Case.of(name, options, torch.float32)
    theirs = peers(case)
    for technique, work in ours(case).items():
        said = f"occlusion, {case.engines()[0].name}" if technique == "occlusion" else technique
        pair = {"ours": work} | ({"peer": theirs[technique]} if technique in theirs else {})
        yield row(name, said, pair, options.runs, case.x.device)


def loop_rows(name: str, options: argparse.Namespace) -> Iterator[str]:
    if name not in LAYERS:
        return
    device = torch.device(options.device)
    for loop in loops(name, device, torch.double, options.side):
        assert loop.difference() < EXACT, loop.technique
    for loop in loops(name, device, torch.float32, options.side):
        yield row(
            name,
            f"{loop.technique}, {options.steps} steps",
            steps(loop, options.steps),
            options.runs,
            device,
        )


def steps(loop: Loop, count: int) -> dict[str, Callable[[], object]]:
    return {"ours": lambda: loop.engine(count), "peer": lambda: loop.plain(count)}


def row(
    name: str,
    technique: str,
    pair: Mapping[str, Callable[[], object]],
    runs: int,
    device: torch.device,
) -> str:
    taken = medians(pair, runs, device)
    times = f"{1000 * taken['ours']:.1f} | {memory(pair['ours'], device)}"
    if "peer" not in pair:
        return f"| {name} | {technique} | {times} | – | – | – |"
    ratio = taken["peer"] / taken["ours"]
    peer = f"{1000 * taken['peer']:.1f} | {memory(pair['peer'], device)} | {ratio:.2f}"
    return f"| {name} | {technique} | {times} | {peer} |"


def memory(work: Callable[[], object], device: torch.device) -> str:
    """Return the peak memory of one run in MB, less what is allocated before it."""
    if device.type != "cuda":
        return "–"
    held = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    work()
    return f"{(torch.cuda.max_memory_allocated(device) - held) / 1e6:.0f}"


def main() -> None:
    options = _options()
    # captum warns of gradients that it asks for itself.
    warnings.filterwarnings("ignore")
    device = torch.device(options.device)
    set_tf32(False)
    where = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"CPU, {torch.get_num_threads()} threads"
    )
    other = "captum" if find_spec("captum") else "plain"
    lines = [
        f"{where}, torch {torch.__version__}, {options.side} × {options.side}, "
        f"medians of {options.runs}.",
        "",
        f"| network | technique | ours, ms | MB | {other}; steps: plain loop, ms | MB "
        "| theirs / ours |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    for name in options.models:
        for make in (attribution_rows, loop_rows):
            for made in make(name, options):
                print(made, flush=True)
                lines.append(made)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--stride", type=int, default=8, help="of occlusion")
    parser.add_argument(
        "--steps", type=int, default=10, help="of the iterative techniques, in each run"
    )
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--out", type=Path, help="a table to write")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
