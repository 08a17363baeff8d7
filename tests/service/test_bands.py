"""At the door: arrays of a model's own channels, heads, and classes that two labels could be."""

import io
from pathlib import Path

import httpx
import numpy as np
import pytest

from catalog.models import models
from jobs.settings import Settings
from tests.service.conftest import Serve

ENTRY = """
[models.{name}]
builder = "nets:build"
weights = "nets.pt"
input_size = 24
mean = 0.5
std = 0.25
classes = 12
{more}
"""
FOLDERS = [str(label) for label in sorted(map(str, range(1, 13)))]


@pytest.fixture
def door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Serve, settings: Settings
) -> httpx.Client:
    file = tmp_path / "models.toml"
    entries = {
        "five": "channels = 5",
        "raw": 'head = "raw"',
        "dense": "dense = true",
        "folders": f"labels = {FOLDERS}",
    }
    file.write_text("".join(ENTRY.format(name=name, more=more) for name, more in entries.items()))
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(file))
    models.cache_clear()
    yield serve(settings)
    models.cache_clear()


def npy(*shape: int) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.full(shape, 0.5, np.float32))
    return buffer.getvalue()


def post(
    door: httpx.Client, technique: str, image: bytes | str | None, **fields: str
) -> httpx.Response:
    files = {"image": image} if isinstance(image, bytes) else {}
    data = fields | ({"image": image} if isinstance(image, str) else {})
    return door.post(f"/v1/jobs/{technique}", data=data, files=files)


def test_an_array_of_the_models_channels_is_an_image(door: httpx.Client, small: bytes) -> None:
    job = post(door, "predict", npy(5, 40, 30), model="five")
    assert job.status_code == 202, job.text
    stored = job.json()["inputs"]["image"]
    assert (stored["shape"], stored["dtype"]) == ([5, 40, 30], "float32")
    again = post(door, "saliency", stored["id"], model="five")
    assert again.status_code == 202 and again.json()["inputs"]["image"] == stored
    colour = post(door, "occlusion", npy(3, 40, 30))
    assert colour.status_code == 202 and colour.json()["inputs"]["image"]["shape"] == [3, 40, 30]
    for technique, image, model, code in (
        ("predict", small, "five", "wrong_channels"),
        ("predict", npy(3, 40, 30), "five", "wrong_shape"),
        ("predict", npy(5, 40, 30), "efficientnet_lite0", "wrong_shape"),
        ("predict", "sha256:" + "0" * 64, "five", "unknown_array"),
        ("predict", "sha256:" + "0" * 64, "efficientnet_lite0", "unknown_image"),
        ("deep_dream", npy(3, 40, 30), "efficientnet_lite0", "not_an_image"),
        ("deep_dream", npy(5, 40, 30), "five", "unsupported_model"),
    ):
        refused = post(door, technique, image, model=model)
        assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text


def test_models_show_head_output_and_channels(door: httpx.Client) -> None:
    five, raw = (door.get(f"/v1/models/{name}").json() for name in ("five", "raw"))
    assert (five["channels"], five["head"], five["output"], five["dense"]) == (
        5,
        "softmax",
        [],
        False,
    )
    assert five["preprocessing"]["shown_channels"] == [0, 1, 2]
    assert raw["head"] == "raw" and door.get("/v1/models/dense").json()["dense"]


def test_heads_and_classes_are_checked_before_anything_waits(
    door: httpx.Client, small: bytes
) -> None:
    job = post(door, "occlusion", small, model="raw")
    assert job.json()["params"]["score"] == "output"
    assert post(door, "rise", small).json()["params"]["score"] == "probability"
    for technique, fields, code, pointer in (
        ("fooling", {"model": "raw", "goal": "3"}, "no_probability", "/model"),
        ("fooling", {"model": "dense", "goal": "3"}, "unsupported_model", "/model"),
        ("occlusion", {"model": "raw", "score": "logit"}, "invalid_parameters", "/score"),
        ("saliency", {"model": "folders", "target": "class:10"}, "ambiguous_class", "/target"),
        ("fooling", {"model": "folders", "goal": "10"}, "ambiguous_class", "/goal"),
        ("saliency", {"target": "class:285@1,1"}, "unknown_position", "/target"),
    ):
        refused = post(door, technique, small, **fields)
        assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
        assert refused.json()["errors"][0]["pointer"] == pointer
    named = post(door, "saliency", small, model="folders", target='class:"12"')
    assert named.status_code == 202
