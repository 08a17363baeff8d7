"""What does not fit into memory is done in smaller pieces, to the same result; what cannot be done says so."""

import io
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.techniques.running import Recording, explain, explain_into, values
from tests.tiny import SIDE, TinyNetwork, photo, seeded, tiny_model
from tests.toolkit.activations.test_index_pass import photos, same, silent
from workers.toolkit.activations import index_pass
from workers.toolkit.activations.index_pass import activation_index
from workers.toolkit.errors import OutOfMemory
from workers.toolkit.execution.batch_runner import BatchRunner
from workers.toolkit.network.network import Network, Rule
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.occlusion.occluder import Occluder

ATTRIBUTIONS = {
    "occlusion": {"window": 8, "stride": 4},
    "rise": {"masks": 40},
    "saliency": {"samples": 20},
    "guided_backprop": {"samples": 20},
    "grad_cam": {"samples": 20},
    "integrated_gradients": {"steps": 20},
}


class Cramped(Network):
    """Holds `room` images at a time; what asks for more gets a CUDA device's error."""

    def __init__(self, room: int) -> None:
        super().__init__(seeded(TinyNetwork), 3, SIDE, SIDE)
        self.room = room
        self.refused: list[int] = []

    def run_all(
        self, x: Tensor, paths: tuple[str, ...], rule: Rule | None = None
    ) -> tuple[Tensor, ...]:
        if len(x) > self.room:
            self.refused.append(len(x))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super().run_all(x, paths, rule)


def cramped(room: int) -> tuple[VisionModel, Cramped]:
    roomy, network = tiny_model(), Cramped(room)
    return VisionModel(
        roomy.name, network, roomy.preprocessing, roomy.labels, roomy.weights
    ), network


@pytest.mark.parametrize("technique", ATTRIBUTIONS)
def test_a_technique_goes_on_in_smaller_batches_to_the_same_map(technique: str) -> None:
    params = ATTRIBUTIONS[technique]
    free, roomy = explain(technique, tiny_model(), check=True, **params)
    model, network = cramped(3)
    told, tight = explain(technique, model, check=True, **params)
    assert network.refused
    assert torch.allclose(values(tight), values(roomy), atol=1e-6)
    numbers = {
        name: value
        for name, value in free.check.model_dump().items()
        if isinstance(value, list | float)
    }
    assert numbers and all(
        told.check.model_dump()[name] == pytest.approx(numbers[name], abs=1e-6) for name in numbers
    )


def test_what_did_not_fit_is_not_tried_again() -> None:
    model, network = cramped(3)
    explain("rise", model, masks=80)
    assert (
        network.refused == sorted(set(network.refused), reverse=True) and len(network.refused) > 1
    )


def test_occlusion_takes_fewer_positions_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    model, refused, outputs = tiny_model(), [], Occluder.outputs
    told, roomy = explain("occlusion", model, window=8, stride=4)
    assert told.engine == "incremental"

    def cramped(self: Occluder, positions: np.ndarray) -> Tensor:
        if len(positions) > 5:
            refused.append(len(positions))
            raise torch.OutOfMemoryError
        return outputs(self, positions)

    monkeypatch.setattr(Occluder, "outputs", cramped)
    _, tight = explain("occlusion", model, window=8, stride=4)
    assert refused and torch.allclose(values(tight), values(roomy), atol=1e-6)


def test_an_index_is_the_same_in_smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_pass, "batch_size", lambda network, path: 8)
    model, network = cramped(3)
    tight = activation_index(model, "conv2", photos(10), "the index", silent)
    assert (
        same(tight, activation_index(tiny_model(), "conv2", photos(10), "the index", silent))
        and network.refused
    )


def test_a_dream_goes_on_in_smaller_portions_of_its_tiles() -> None:
    context, photograph = Recording(), photo(150, 120)
    explain_into(
        context,
        "deep_dream",
        tiny_model(),
        photograph,
        targets="conv2",
        octaves=1,
        steps=3,
        size=120,
    )
    model, network = cramped(2)
    tight = Recording()
    explain_into(
        tight, "deep_dream", model, photograph, targets="conv2", octaves=1, steps=3, size=120
    )
    assert network.refused
    pixels = [
        np.asarray(Image.open(io.BytesIO(one.files["image.png"])), int) for one in (context, tight)
    ]
    assert np.abs(pixels[0] - pixels[1]).max() <= 1


def test_where_one_image_does_not_fit_the_technique_says_so() -> None:
    runner = BatchRunner(Cramped(0).logits)
    with pytest.raises(OutOfMemory, match="Not even one image of 32 × 32 pixels"):
        runner.run(torch.zeros(5, 3, SIDE, SIDE))


def test_another_error_is_let_through() -> None:
    def broken(batch: Tensor) -> Tensor:
        raise RuntimeError("CUDA error: device-side assert triggered")

    with pytest.raises(RuntimeError, match="device-side"):
        BatchRunner(broken).run(torch.zeros(4, 1))


def test_the_next_try_begins_when_the_memory_of_the_last_is_free() -> None:
    """An exception holds its frames, and they what was made in them: twice the memory, just when there is none."""
    made: list[weakref.ref[Tensor]] = []

    def greedy(batch: Tensor) -> Tensor:
        assert not any(ref() is not None for ref in made)
        activation = torch.zeros(len(batch), 1000)
        made.append(weakref.ref(activation))
        if len(batch) > 1:
            raise torch.OutOfMemoryError
        return batch

    batch = torch.arange(4.0)[:, None]
    assert torch.equal(BatchRunner(greedy).run(batch), batch) and len(made) == 6


# 512 images of 64 × 64 × 64 floats are 512 MB; the process may take 200 MB more than it has.
REAL = """
import resource, torch
from tests.tiny import tiny_model
from workers.toolkit.execution.batch_runner import BatchRunner
from workers.toolkit.network.network import Network

torch.manual_seed(0)
module = torch.nn.Sequential(
    torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
)
network = Network(module, 3, 64, 64)
x = torch.randn(512, 3, 64, 64)

def gradient(batch):  # all at once, unlike the toolkit's, which asks first what fits
    batch = batch.detach().requires_grad_()
    return torch.autograd.grad(network.logits(batch)[:, 5].sum(), batch)[0]

functions = {"pass": torch.no_grad()(network.logits), "gradient": gradient}
free = {name: torch.cat([function(x[i : i + 8]) for i in range(0, 512, 8)]) for name, function in functions.items()}
_, hard = resource.getrlimit(resource.RLIMIT_AS)
for name, function in functions.items():
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 200 * 2**20, hard))
    found = BatchRunner(function).run_pieces(x)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    assert len(found) > 1, "everything fitted"
    assert torch.allclose(torch.cat(found), free[name], atol=1e-6)
    print(name, max(map(len, found)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process")
def test_a_process_that_really_has_no_memory_goes_on() -> None:
    done = subprocess.run([sys.executable, "-c", REAL], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["pass", "gradient"]


def test_numbers_that_are_not_finite_are_still_found_by_their_image() -> None:
    images = photos(6)
    model, network = cramped(2)
    real = network.run

    def poisoned(x: Tensor, path: str, rule: Rule | None = None) -> Tensor:
        output = real(x, path, rule)
        return torch.where(x.mean((1, 2, 3), keepdim=True) == worst, np.nan, output)

    views = torch.cat([model.preprocessing.prepare(images.open(name)).x for name in images.images])
    worst = views.mean((1, 2, 3), keepdim=True)[4]
    network.run = poisoned  # type: ignore[method-assign]
    with pytest.raises(Exception, match="photo 4"):
        activation_index(model, "conv2", images, "the index", silent)
