"""What every technique must keep to, by name: a new one is under all of it without an edit here."""

import io
import json
import re
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import catalog.techniques
import workers.techniques
from catalog.registry import find_technique, techniques
from catalog.technique import Summary
from jobs.settings import Settings
from tests.techniques.running import Recording, Stopped, entry_of, wide_model
from tests.tiny import photo, tiny_model
from workers.execute import execute
from workers.models.load import digest
from workers.toolkit.images.image_set import LocalImageSet
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel

pytestmark = pytest.mark.parametrize("name", techniques())


@pytest.fixture(scope="module")
def model() -> VisionModel:
    return wide_model()


ONLY_WHAT_CHANGES = {
    "occlusion"
}  # patches are not sent through the whole network: the estimate is an upper bound


def run(name: str, model: VisionModel, context: Recording, seed: int = 3, **asked: Any) -> Summary:
    """The technique's own example, on the small network, and what is asked besides."""
    technique = find_technique(name)
    fields = {**technique.example, **asked, "model": model.name, "seed": seed}
    pictures = [image.name for image in technique.inputs if image.kind == "image"]
    images = {picture: photo(131, 97, seed=i) for i, picture in enumerate(pictures)}
    if technique.reads_image_set:
        fields["image_set"] = "local"
        context.image_set = LocalImageSet({f"photo {i}": photo(131, 97, seed=i) for i in range(5)})
    params = technique.params.model_validate(fields).resolved(entry_of(model))
    context.origin = {
        "technique": name,
        "model": model.name,
        "params": params.model_dump(mode="json"),
    }
    return execute(name, params, model, images, context)


def finished(name: str, model: VisionModel, seed: int = 3) -> tuple[Summary, Recording]:
    context = Recording()
    return run(name, model, context, seed), context


def footprint(model: VisionModel) -> dict[str, Any]:
    """Everything that a run could leave behind in the model or in torch."""
    module = model.network.module
    weights = module.state_dict(keep_vars=True)
    owners = [*module.modules(), *model.network.whole.modules(), *module.parameters()]
    return {
        "hooks": sum(
            len(hooks or ())
            for part in owners
            for name, hooks in _attributes(part)
            if "hook" in name
        ),
        "global hooks": {
            k: len(v) for k, v in vars(nn.modules.module).items() if k.endswith("_hooks")
        },
        "gradients asked for": [key for key, tensor in weights.items() if tensor.requires_grad],
        "gradients kept": [key for key, tensor in weights.items() if tensor.grad is not None],
        "in train mode": [path for path, part in module.named_modules() if part.training],
        "weights": digest(module.state_dict()),
        "global random state": torch.get_rng_state().numpy().tobytes(),
        "numpy's random state": np.random.get_state()[1].tobytes(),
        "modes": (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.get_default_dtype(),
        ),
    }


def _attributes(part: nn.Module | torch.Tensor) -> list[tuple[str, Any]]:
    if isinstance(part, torch.Tensor):
        return [("backward hooks", part._backward_hooks)]
    return [(name, value) for name, value in vars(part).items() if name.endswith("_hooks")]


def test_has_a_twin_of_the_same_name_on_either_side(name: str) -> None:
    menu = {module.name for module in iter_modules(catalog.techniques.__path__)}
    algorithms = {module.name for module in iter_modules(workers.techniques.__path__)}
    assert menu == algorithms
    assert callable(import_module(f"workers.techniques.{name}").run)


def test_its_example_is_valid(name: str) -> None:
    technique = find_technique(name)
    technique.params.model_validate(technique.example)


@pytest.mark.parametrize("side", [8, 32, 224, 600])
def test_parameters_with_their_defaults_are_valid_when_the_worker_reads_them(
    name: str, side: int
) -> None:
    technique = find_technique(name)
    preprocessing = Preprocessing(side, side, "bilinear", (0.5,), (0.25,))
    entry = entry_of(replace(tiny_model(), preprocessing=preprocessing))
    resolved = technique.params.model_validate(technique.example).resolved(entry)
    recorded = resolved.model_dump(mode="json")
    again = technique.resolved.model_validate(recorded)
    assert again.resolved(entry) == again == resolved
    sent_again = technique.params.model_validate(recorded)
    assert sent_again.resolved(entry) == resolved


def test_the_summary_is_the_declared_one_and_plain_json(name: str, model: VisionModel) -> None:
    summary, _ = finished(name, model)
    assert isinstance(summary, find_technique(name).summary)
    json.dumps(summary.model_dump(), allow_nan=False)


def test_progress_rises_and_ends_at_its_total(name: str, model: VisionModel) -> None:
    _, context = finished(name, model)
    done = [step for step, _ in context.steps]
    (total,) = {total for _, total in context.steps}
    assert done == sorted(done)
    assert done[0] < done[-1] == total


def test_leaves_exactly_the_declared_files(name: str, model: VisionModel) -> None:
    _, context = finished(name, model)
    left = {(re.sub(r"\d+", "{n}", file), kind) for file, kind in context.media_types.items()}
    declared = {
        (file.name, file.media_type)
        for file in find_technique(name).artifacts
        if not file.only_with
    }
    assert left == declared


def test_every_picture_says_how_it_was_made(name: str, model: VisionModel) -> None:
    _, context = finished(name, model)
    for file in (file for file, kind in context.media_types.items() if kind == "image/png"):
        with Image.open(io.BytesIO(context.files[file])) as picture:
            assert picture.text["retinoscope:technique"] == name
            assert picture.text["retinoscope:model"] == "tiny"
            assert json.loads(picture.text["retinoscope:params"]) == context.origin["params"]


def test_the_same_seed_gives_the_same_bytes(name: str, model: VisionModel) -> None:
    first, one = finished(name, model, seed=11)
    finished(name, model, seed=12)
    again, two = finished(name, model, seed=11)
    assert first == again
    assert one.files == two.files


def test_where_the_seed_is_said_not_to_matter_it_does_not(name: str, model: VisionModel) -> None:
    technique = find_technique(name)
    for asked in ({}, {"samples": 1}, {"check": True}):
        fields = {**technique.example, **asked}
        if not asked.keys() <= technique.params.model_fields.keys():
            continue
        if technique.params.model_validate(fields).traits().uses_seed:
            continue
        contexts = Recording(), Recording()
        summaries = [
            run(name, model, context, seed, **asked)
            for seed, context in zip((3, 4), contexts, strict=True)
        ]
        assert summaries[0] == summaries[1]
        assert pictures(contexts[0]) == pictures(contexts[1])


def pictures(context: Recording) -> dict[str, bytes]:
    """The files; of a PNG without its text chunks, which name the seed."""
    return {
        name: without_texts(data) if name.endswith(".png") else data
        for name, data in context.files.items()
    }


def without_texts(png: bytes) -> bytes:
    kept, at = png[:8], 8
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4])
        if png[at + 4 : at + 8] not in (b"tEXt", b"zTXt", b"iTXt"):
            kept += png[at:end]
        at = end
    return kept


@pytest.mark.parametrize(
    "asked", [{}, {"check": True}, {"count": 2}, {"zoom_frames": 1}, {"restarts": 2}, {"k": 2}]
)
def test_what_it_costs_is_told_before(
    name: str, model: VisionModel, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    technique, pixels = find_technique(name), []
    few = {"steps": 4} if "steps" in technique.params.model_fields and asked else {}
    if not asked.keys() <= technique.params.model_fields.keys():
        return
    run_all = Network.run_all

    def counted(network: Network, x: torch.Tensor, *rest: Any, **named: Any) -> Any:
        pixels.append(x[:, 0].numel())
        return run_all(network, x, *rest, **named)

    monkeypatch.setattr(Network, "run_all", counted)
    context = Recording()
    run(name, model, context, **asked, **few)
    entry = entry_of(model)
    params = technique.params.model_validate(
        {**technique.example, **asked, **few, "seed": 3}
    ).resolved(entry)
    told, seen = (
        params.estimated_passes(entry) + (5 if technique.reads_image_set else 0),
        sum(pixels) / entry.input_size**2,
    )
    assert seen <= told * 2 + 8
    assert seen >= told / 2 - 8 or name in ONLY_WHAT_CHANGES


@pytest.mark.parametrize("side", [8, 28, 224, 600])
def test_its_defaults_are_far_from_the_limit(name: str, side: int) -> None:
    preprocessing = Preprocessing(side, side, "bilinear", (0.5,), (0.25,))
    entry = entry_of(replace(tiny_model(), preprocessing=preprocessing))
    params = find_technique(name).params
    needed = {
        field: value
        for field, value in find_technique(name).example.items()
        if params.model_fields[field].is_required()
    }
    assert (
        params.model_validate(needed).resolved(entry).estimated_passes(entry)
        < Settings().max_passes / 5
    )


def test_leaves_no_trace_in_the_model(name: str, model: VisionModel) -> None:
    before = footprint(model)
    finished(name, model)
    assert footprint(model) == before
    assert before["gradients asked for"] == before["in train mode"] == []


def test_leaves_no_trace_after_an_error_anywhere(name: str, model: VisionModel) -> None:
    before = footprint(model)
    _, whole = finished(name, model)
    for step in range(1, len(whole.steps) + 1):
        with pytest.raises(Stopped):
            run(name, model, Recording(stop_at=step))
        assert footprint(model) == before
    if whole.files:
        with pytest.raises(Stopped):
            run(name, model, Recording(refuse_files=True))
    assert footprint(model) == before


def test_stops_when_told(name: str, model: VisionModel) -> None:
    _, whole = finished(name, model)
    for step in {1, (len(whole.steps) + 1) // 2, len(whole.steps)}:
        context = Recording(stop_at=step)
        with pytest.raises(Stopped):
            run(name, model, context)
        assert len(context.steps) <= step + 1


def test_stopped_and_resumed_it_leaves_the_same_bytes(name: str, model: VisionModel) -> None:
    summary, whole = finished(name, model)
    if whole.saved is None:  # nothing to go on from: it begins anew
        assert find_technique(name).queue == "fast"
        return
    for step in sorted({(len(whole.steps) + 1) // 2, max(2, len(whole.steps) - 1)}):
        stopped = Recording(stop_at=step)
        with pytest.raises(Stopped):
            run(name, model, stopped)
        resumed = Recording(saved=stopped.saved)
        assert run(name, model, resumed) == summary
        assert resumed.files == whole.files
        assert resumed.steps[0][0] > 0 or stopped.saved is None
    assert stopped.saved is not None
