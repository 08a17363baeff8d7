"""What do the techniques take on a CUDA device: milliseconds, peak memory, and how often as long do others take?

    python -m benchmarks.gpu --out benchmarks/gpu.md
    python -m benchmarks.gpu --device cpu --models mobilenet_v2 --side 64 --runs 1 --steps 2   # in small

From a bare checkout: it needs torch, torchvision, timm and psutil, no part of the service.
Attributions are those of the toolkit, against captum where it is installed; iterative steps are against the plain loop
of benchmarks/loops.py. In single precision proper: TF32 is off for all.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.interleaved import medians
from benchmarks.loops import LAYERS, loops
from benchmarks.networks import calibrated
from workers.toolkit.batches import batch_size
from workers.toolkit.grad_cam import class_activation_map
from workers.toolkit.input_gradient import input_gradient
from workers.toolkit.integrated_gradients import integrated_gradients
from workers.toolkit.network import LOGITS, Network
from workers.toolkit.occlusion import occluded_scores, rectangles
from workers.toolkit.rectifiers import guided
from workers.toolkit.samples import samples
from workers.toolkit.unit import Unit

MODELS = ("resnet18", "resnet50", "mobilenet_v2", "vgg16", "efficientnet_lite0")
CAM_LAYERS = {"resnet18": "layer4", "resnet50": "layer4", "mobilenet_v2": "features.18.0", "vgg16": "features.28"}
WINDOW, STEPS = 32, 50
Work = Callable[[], object]


def attributions(network: Network, x: Tensor, unit: Unit, layer: str, stride: int) -> dict[str, Work]:
    def score(some: Tensor) -> Tensor:
        return network.logits(some).softmax(1)[:, unit.channel]

    patches = rectangles(x.shape[2], x.shape[3], WINDOW, stride)
    most, held = batch_size(network, LOGITS), batch_size(network, LOGITS, gradient=True)
    return {
        "forward": lambda: network.logits(x),
        "saliency": lambda: input_gradient(network, unit, x),
        "guided_backprop": lambda: input_gradient(network, unit, x, guided),
        "grad_cam": lambda: class_activation_map(network, unit, layer, x),
        "integrated_gradients": lambda: integrated_gradients(
            lambda some: input_gradient(network, unit, some),
            x,
            torch.zeros_like(x),
            STEPS,
            lambda done: None,
            batch=held,
        ),
        f"occlusion, {len(patches)} patches": lambda: occluded_scores(
            score, x, patches, torch.zeros_like(x[0]), lambda done, total, message: None, batch=most
        ),
    }


def captum(module: nn.Module, x: Tensor, target: int, layer: str, stride: int) -> dict[str, Work]:
    """Nothing where it is not installed."""
    if find_spec("captum") is None:
        return {}
    from captum.attr import IntegratedGradients, LayerGradCam, Occlusion, Saliency  # noqa: PLC0415

    module = module.requires_grad_(False)
    return {
        "saliency": lambda: Saliency(module).attribute(x, target, abs=False),
        "grad_cam": lambda: LayerGradCam(module, module.get_submodule(layer)).attribute(x, target),
        "integrated_gradients": lambda: IntegratedGradients(module).attribute(
            x, target=target, n_steps=STEPS, internal_batch_size=STEPS
        ),
        "occlusion": lambda: Occlusion(module).attribute(
            x, (3, WINDOW, WINDOW), (3, stride, stride), target=target, perturbations_per_eval=32
        ),
    }


def attribution_rows(name: str, options: argparse.Namespace, device: torch.device) -> Iterator[str]:
    eager = calibrated(name, options.side).to(device)
    network = Network(calibrated(name, options.side).to(device), 3, options.side, options.side)
    x, layer = samples(network.input_shape)[1:].to(device), CAM_LAYERS.get(name, "conv_head")
    unit = Unit(LOGITS, int(network.logits(x).argmax()))
    assert unit.channel is not None
    peers = captum(eager, x, unit.channel, layer, options.stride)
    for technique, work in attributions(network, x, unit, layer, options.stride).items():
        peer = next((peer for known, peer in peers.items() if technique.startswith(known)), None)
        yield row(name, technique, {"ours": work} | ({"peer": peer} if peer else {}), options.runs, device)


def loop_rows(name: str, options: argparse.Namespace, device: torch.device) -> Iterator[str]:
    for loop in loops(name, device, torch.float32, options.side):
        pair = {
            "ours": lambda loop=loop: loop.engine(options.steps),
            "peer": lambda loop=loop: loop.plain(options.steps),
        }
        yield row(name, f"{loop.technique}, {options.steps} steps", pair, options.runs, device)


def row(name: str, technique: str, pair: dict[str, Work], runs: int, device: torch.device) -> str:
    taken = medians(pair, runs, device)
    times = f"{1000 * taken['ours']:.1f} | {memory(pair['ours'], device)}"
    if "peer" not in pair:
        return f"| {name} | {technique} | {times} | – | – | – |"
    peer = f"{1000 * taken['peer']:.1f} | {memory(pair['peer'], device)} | {taken['peer'] / taken['ours']:.2f}"
    return f"| {name} | {technique} | {times} | {peer} |"


def memory(work: Work, device: torch.device) -> str:
    """Of one run, in MB, weights included."""
    if device.type != "cuda":
        return "–"
    torch.cuda.reset_peak_memory_stats(device)
    work()
    return f"{torch.cuda.max_memory_allocated(device) / 1e6:.0f}"


def main() -> None:
    options = _options()
    device = torch.device(options.device)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    lines = [f"{where}, torch {torch.__version__}, {options.side} × {options.side}, medians of {options.runs}.", ""]
    lines += ["| network | technique | ours, ms | MB | captum or plain loop, ms | MB | theirs / ours |"]
    lines += ["|---|---|---|---|---|---|---|"]
    print("\n".join(lines))
    for name in options.models:
        for make in (attribution_rows, loop_rows) if name in LAYERS else (attribution_rows,):
            for made in make(name, options, device):
                print(made, flush=True)
                lines.append(made)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--stride", type=int, default=8, help="of occlusion")
    parser.add_argument("--steps", type=int, default=10, help="of the iterative techniques, in each run")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--out", type=Path, help="a table to write")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
