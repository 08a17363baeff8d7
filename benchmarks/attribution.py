"""Compare gradient attributions with captum and pytorch-grad-cam, each at its best settings.

    # `make benchmarks` installs what this needs.
    .venv/bin/python -m benchmarks.attribution --out benchmarks/attribution.md
    # For a quick look:
    .venv/bin/python -m benchmarks.attribution --models resnet18 --runs 1

A peer gets a frozen model, both memory formats, and several batch sizes if it has that parameter.
The setting with the best of two runs then takes turns with ours. Both compute the same numbers:
before anything is timed they are compared in double precision, in which rounding flips no ReLU.
captum does not know ReLU6, so that its guided backpropagation is the plain gradient on two of the
networks. These are left out. pytorch-grad-cam also enlarges its map to the size of the image.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

import torch
from captum.attr import GuidedBackprop, IntegratedGradients, LayerGradCam, NoiseTunnel, Saliency
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from benchmarks import tables
from benchmarks.interleaved import best, medians
from benchmarks.networks import NAMES, calibrated, separate_relus
from catalog.models import find_model
from workers.models.load import load_model
from workers.toolkit.attribution.grad_cam import class_activation_map
from workers.toolkit.attribution.integrated_gradients import integrated_gradients
from workers.toolkit.attribution.smoothgrad import NoisyCopies, smoothgrad
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.precision import probe_inputs
from workers.toolkit.network.rectifiers import guided
from workers.toolkit.network.unit import Unit

CAM_LAYERS = {
    "efficientnet_lite0": "conv_head",
    "resnet18": "layer4",
    "resnet50": "layer4",
    "mobilenet_v2": "features.18.0",
    "vgg16": "features.28",
}
GUIDED = ("resnet18", "resnet50", "vgg16")
STEPS, COPIES, NOISE = 50, 16, 0.15
NOISY_COPIES = NoisyCopies(COPIES, NOISE, seed=0)
BATCHES = (4, 8, 16)
EXACT = 1e-9
# captum keeps the weights of the quadrature in single precision.
ROUNDED = {"integrated_gradients": 1e-7}
CAM_ROUNDED = 1e-4
Work = Callable[[], Tensor]


@dataclass(frozen=True)
class Bench:
    """One network and one input, for ours and for the peers."""

    network: Network
    modules: Mapping[str, nn.Module]  # by memory format
    layer: str
    x: Tensor
    unit: Unit

    @classmethod
    def of(cls, name: str, device: torch.device, dtype: torch.dtype) -> "Bench":
        module = _module(name).to(device, dtype).requires_grad_(False)
        formats = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
        modules = {
            # torch's stubs lack the argument.
            key: separate_relus(deepcopy(module)).to(memory_format=value)  # type: ignore
            for key, value in formats.items()
        }
        network = Network(module, 3, 224, 224)
        x = probe_inputs(network.input_shape)[1:].to(device, dtype)
        return cls(
            network, modules, CAM_LAYERS[name], x, Unit(LOGITS, int(network.logits(x).argmax()))
        )

    @property
    def target(self) -> int:
        assert self.unit.channel is not None
        return self.unit.channel

    def gradient(self, x: Tensor) -> Tensor:
        return input_gradient(self.network, self.unit, x)

    def each(self, attribute: Callable[[nn.Module], Tensor]) -> dict[str, Work]:
        """Return the peer's work for each memory format, by the setting's name."""
        return {
            name: lambda module=module: attribute(module) for name, module in self.modules.items()
        }  # type: ignore[misc]


def ours(bench: Bench, technique: str, x: Tensor) -> Tensor:
    """Compute what the technique computes between its input and its pictures."""
    if technique == "saliency":
        return bench.gradient(x)
    if technique == "guided_backprop":
        return input_gradient(bench.network, bench.unit, x, guided)
    if technique == "grad_cam":
        return class_activation_map(bench.network, bench.unit, bench.layer, x).relu()
    if technique == "integrated_gradients":
        return integrated_gradients(
            bench.gradient, x, torch.zeros_like(x), STEPS, lambda done: None
        )
    return smoothgrad(bench.gradient, x, NOISY_COPIES, lambda done, total, message: None)[None]


def captum(bench: Bench, technique: str) -> dict[str, Work]:
    """Return captum's work for every setting that is tried."""
    x, target = bench.x, bench.target
    if technique == "saliency":
        return bench.each(lambda module: Saliency(module).attribute(x, target, abs=False))
    if technique == "guided_backprop":
        return bench.each(lambda module: GuidedBackprop(module).attribute(x, target))
    if technique == "grad_cam":
        return bench.each(
            lambda module: LayerGradCam(module, module.get_submodule(bench.layer)).attribute(
                x, target, relu_attributions=True
            )[:, 0]
        )
    return {
        f"{setting}, {batch}": work
        for batch in BATCHES
        for setting, work in bench.each(
            lambda module, batch=batch: _batched(module, bench, technique, batch)
        ).items()  # type: ignore[misc]
    }


def _batched(module: nn.Module, bench: Bench, technique: str, batch: int) -> Tensor:
    if technique == "integrated_gradients":
        made = IntegratedGradients(module).attribute(
            bench.x,
            torch.zeros_like(bench.x),
            bench.target,
            n_steps=STEPS,
            internal_batch_size=batch,
        )
    else:
        made = NoiseTunnel(Saliency(module)).attribute(
            bench.x,
            nt_type="smoothgrad",
            nt_samples=COPIES,
            nt_samples_batch_size=batch,
            target=bench.target,
            stdevs=NOISE * float(bench.x.max() - bench.x.min()),
            abs=False,
        )
    assert isinstance(made, Tensor)
    return made


def grad_cam_package(bench: Bench) -> dict[str, Work]:
    def attribute(module: nn.Module) -> Tensor:
        with GradCAM(module, [module.get_submodule(bench.layer)]) as cam:
            # With it, the parameters of the network need no gradients.
            x = bench.x.clone().requires_grad_()
            return torch.from_numpy(cam(x, [ClassifierOutputTarget(bench.target)]))

    return bench.each(attribute)


def difference(bench: Bench, technique: str) -> float:
    """Return our largest deviation from captum, relative to captum's largest value.

    captum draws its own noise for SmoothGrad, so that the mean over our noise is computed here.
    """
    module = bench.modules["contiguous"]
    if technique == "smoothgrad":
        generator, deviation = (
            torch.Generator().manual_seed(0),
            NOISE * float(bench.x.max() - bench.x.min()),
        )
        grain = torch.stack(
            [torch.randn(bench.x.shape[1:], generator=generator) for _ in range(COPIES)]
        )
        copies = (bench.x + deviation * grain.to(bench.x.device)).split(1)
        theirs = torch.stack(
            [Saliency(module).attribute(copy, bench.target, abs=False) for copy in copies]
        ).mean(0)
    else:
        theirs = next(iter(captum(bench, technique).values()))()
    mine = ours(bench, technique, bench.x)
    return float((mine - theirs).abs().max() / theirs.abs().max())


def cam_difference(bench: Bench) -> float:
    """Return our largest deviation from pytorch-grad-cam's map in 0..1, in single precision.

    Ours is scaled, enlarged and scaled again as pytorch-grad-cam does.
    """
    mine = scale_cam_image(ours(bench, "grad_cam", bench.x).cpu().numpy(), bench.x.shape[2:][::-1])
    mine = scale_cam_image(mine)
    theirs = grad_cam_package(bench)["contiguous"]().numpy()
    return float(abs(mine - theirs).max())


def rows(name: str, options: argparse.Namespace) -> Iterator[str]:
    device = torch.device(options.device)
    exact = Bench.of(name, device, torch.double)
    bench = Bench.of(name, device, torch.float32)
    for technique in options.techniques:
        if technique == "guided_backprop" and name not in GUIDED:
            continue
        error = difference(exact, technique)
        assert error < ROUNDED.get(technique, EXACT), (name, technique, error)
        peers = {"captum": captum(bench, technique)}
        if technique == "grad_cam":
            assert cam_difference(bench) < CAM_ROUNDED
            peers["pytorch-grad-cam"] = grad_cam_package(bench)
        for peer, settings in peers.items():
            setting = best(settings, device)
            work = {
                "ours": lambda technique=technique: ours(bench, technique, bench.x),
                "peer": settings[setting],
            }
            taken = medians(work, options.runs, device)
            theirs, own = taken["peer"], taken["ours"]
            times = f"{theirs * 1000:.0f} | {own * 1000:.0f} | **{theirs / own:.2f}**"
            yield f"| {technique} | {name} | {peer}: {setting} | {times} | {error:.0e} |"


def _module(name: str) -> nn.Module:
    if name == "efficientnet_lite0":
        return load_model(find_model(name), torch.device("cpu")).network.module
    return calibrated(name)


TECHNIQUES = ("saliency", "guided_backprop", "grad_cam", "integrated_gradients", "smoothgrad")
HEAD = [
    "| technique | network | peer: best setting | peer, ms | ours, ms | peer / ours | differ by |",
    "|---|---|---|---|---|---|---|",
]


def main() -> None:
    parser = tables.parser(__doc__, NAMES)
    parser.add_argument(
        "--techniques", nargs="+", default=list(TECHNIQUES), choices=list(TECHNIQUES)
    )
    tables.write_table(HEAD, rows, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
