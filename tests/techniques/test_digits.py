"""A grey 8 × 8 model from a TOML entry is served and explained by every technique."""

import io
from collections.abc import Iterator
from importlib import import_module

import numpy as np
import pytest
import torch
from PIL import Image

from catalog.model_entry import ModelEntry
from catalog.models import class_labels, find_model, models
from catalog.named_targets import read_targets
from catalog.registry import find_technique, techniques
from catalog.technique import Summary
from tests.digits import NAMES, Digits, make_digits
from tests.retinoscope.serving import serving
from tests.techniques.running import Recording
from workers.execute import execute
from workers.models.load import load_model
from workers.toolkit.network.vision_model import VisionModel


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    return make_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def entry(digits: Digits) -> Iterator[ModelEntry]:
    """Return the entry that the catalog has while RETINOSCOPE_MODELS names the file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETINOSCOPE_MODELS", str(digits.file))
        models.cache_clear()
        yield find_model("digits")
    models.cache_clear()


@pytest.fixture(scope="module")
def model(entry: ModelEntry) -> VisionModel:
    return load_model(entry, torch.device("cpu"))


def explained(
    name: str, model: VisionModel, entry: ModelEntry, digits: Digits, **given: object
) -> tuple:
    """Run it with its defaults on the images, and the image set, that it declares."""
    technique = find_technique(name)
    context = Recording()
    fields = {"model": entry.name, "seed": 3, **given}
    if "image_set" in technique.params.model_fields:
        kept = import_module("workers.toolkit.images.image_set").LocalImageSet
        context.image_set = kept({f"digit {i}": digits.picture(i) for i in range(20)})
        fields["image_set"] = "local"
    pictures = [image.name for image in technique.inputs if image.kind == "image"]
    images = {picture: digits.picture(digits.unsure() + i) for i, picture in enumerate(pictures)}
    params = technique.params.model_validate(_needed(technique, fields)).resolved(entry)
    params.validate_for(entry, read_targets(params, class_labels(entry)))
    context.origin = {"technique": name, "params": params.model_dump(mode="json")}
    return execute(name, params, model, images, context), context


def _needed(technique: object, fields: dict[str, object]) -> dict[str, object]:
    """Return parameters without a default from the example, with the network's own layers."""
    own = {"target": "2:5", "layer": "2"}
    for name, field in technique.params.model_fields.items():
        if field.is_required() and name not in fields:
            fields[name] = own.get(name, technique.example.get(name))
    return fields


def test_the_network_was_trained(digits: Digits) -> None:
    assert digits.accuracy() > 0.95


def test_the_served_network_sees_what_the_trained_one_saw(
    digits: Digits, model: VisionModel
) -> None:
    views = torch.cat([model.prepare(digits.picture(i)).x for i in range(40)])
    predicted = model.network.logits(views).argmax(1).numpy()
    assert views.shape == (40, 1, 8, 8)
    assert (predicted == digits.classes[:40]).mean() > 0.9
    with torch.no_grad():
        torch.testing.assert_close(
            model.network.logits(views), digits.module(views), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("name", techniques())
def test_every_technique_explains_it(
    name: str, model: VisionModel, entry: ModelEntry, digits: Digits
) -> None:
    summary, context = explained(name, model, entry, digits)
    assert isinstance(summary, Summary)
    for file, data in context.files.items():
        if file.endswith(".npy"):
            assert np.isfinite(np.load(io.BytesIO(data), allow_pickle=False)).all(), file
        if file.endswith(".png"):
            with Image.open(io.BytesIO(data)) as picture:
                picture.load()
    if "values.npy" in context.files:
        values = np.load(io.BytesIO(context.files["values.npy"]), allow_pickle=False)
        assert values.shape == (8, 8)
        assert np.ptp(values) > 0


@pytest.mark.parametrize(
    "name", [name for name in techniques() if "target" in find_technique(name).params.model_fields]
)
def test_its_labels_and_units_are_targets(
    name: str, model: VisionModel, entry: ModelEntry, digits: Digits
) -> None:
    for target in ("class:seven", "class:7", "2:5@3,3"):
        if not find_technique(name).params.model_fields["target"].is_required():
            explained(
                name,
                model,
                entry,
                digits,
                target=target,
                **({"layer": "0"} if name == "grad_cam" else {}),
            )


def test_occlusion_marks_what_a_slow_loop_marks(
    model: VisionModel, entry: ModelEntry, digits: Digits
) -> None:
    """With a patch of one pixel each value is the fall when that pixel is black."""
    summary, context = explained(
        "occlusion", model, entry, digits, target="class:seven", fill="black", window=1
    )
    assert (context.origin["params"]["window"], context.origin["params"]["stride"]) == (1, 1)
    x = model.prepare(digits.picture(digits.unsure())).x
    black = (0 - 0.3) / 0.37
    with torch.no_grad():
        base = digits.module(x).softmax(1)[0, 7]
        expected = np.zeros((8, 8))
        for y in range(8):
            for column in range(8):
                hidden = x.clone()
                hidden[..., y, column] = black
                expected[y, column] = base - digits.module(hidden).softmax(1)[0, 7]
    found = np.load(io.BytesIO(context.files["values.npy"]))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert summary.positions == 64


def test_filters_of_a_grey_network_are_grey(
    model: VisionModel, entry: ModelEntry, digits: Digits
) -> None:
    summary, _ = explained("filters", model, entry, digits)
    assert (summary.layer, summary.shape, summary.colour) == ("0", [16, 1, 3, 3], False)
    assert "the input's one channel" in summary.caption


def test_it_is_served_over_http_by_its_labels(digits: Digits, tmp_path) -> None:
    environment = {"RETINOSCOPE_MODELS": str(digits.file), "RETINOSCOPE_WARM_MODELS": '["digits"]'}
    with serving(tmp_path, **environment) as stack:
        listed = stack.client.get("/v1/models").json()["items"]
        [mine] = [item for item in listed if item["name"] == "digits"]
        assert (mine["input_size"], mine["channels"], mine["classes"]) == (8, 1, 10)
        assert str(digits.file.parent) not in str(mine)
        classes = stack.client.get("/v1/models/digits/classes").json()["items"]
        assert [item["label"] for item in classes] == list(NAMES)
        label = NAMES[digits.classes[0]]
        answer = stack.client.post(
            "/v1/jobs/occlusion",
            files={"image": digits.png(0)},
            data={"model": "digits", "target": f"class:{label}"},
            headers={"Prefer": "wait=60"},
        )
        job = answer.json()
        assert job["status"] == "succeeded", job
        assert (job["params"]["window"], job["params"]["stride"]) == (2, 1)
        assert job["result"]["summary"]["target"]["label"] == label
        assert job["result"]["summary"]["predicted"]["label"] == label
        url = next(
            file["url"] for file in job["result"]["artifacts"] if file["name"] == "heatmap.png"
        )
        with Image.open(io.BytesIO(stack.client.get(url).content)) as picture:
            assert (picture.format, picture.size) == ("PNG", (8, 8))
        layers = stack.client.get("/v1/models/digits/layers?wait=60").json()["items"]
        assert (layers[0]["path"], layers[0]["shape"]) == ("0", [16, 8, 8])
        wrong = stack.client.post(
            "/v1/jobs/saliency",
            files={"image": digits.png(0)},
            data={"model": "digits", "target": "class:sevn"},
        )
        assert wrong.status_code == 422 and "mean class:seven?" in wrong.json()["detail"]
