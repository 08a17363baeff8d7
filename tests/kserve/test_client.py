"""KServe's own client, by both protocols, with a key: what it shows is what the job API says."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from retinoscope.stack import Stack
from tests.kserve.conftest import Ask
from tests.service.asking import run
from tests.service.inference.asking import array, artifact
from tests.service.pictures import encoded, photo

NAME = "cats"


@pytest.fixture(scope="module")
def cat(chelsea: bytes) -> bytes:
    return encoded(photo(chelsea, 90, 60))


@pytest.fixture(scope="module")
def said(ask: Ask, keyed: tuple[Stack, dict[str, str]], cat: bytes) -> Any:
    """What the client says of a server with a key."""
    stack, headers = keyed
    image = base64.b64encode(cat).decode()
    given = {"url": stack.plan.address, "headers": headers, "name": NAME, "image": image}
    return ask("client.py", given)


@pytest.fixture
def api(keyed: tuple[Stack, dict[str, str]]) -> Iterator[httpx.Client]:
    stack, headers = keyed
    with httpx.Client(base_url=stack.plan.address, headers=headers, timeout=90) as client:
        yield client


def test_v1(said: Any, api: httpx.Client, cat: bytes) -> None:
    v1 = said["v1"]
    assert v1["live"] is v1["ready"] is True
    (shown,) = v1["explained"]["explanations"]
    assert shown["target"] == "class:285"
    values = array(artifact(api, shown["job"], "values.npy"))
    assert np.array_equal(np.float32(shown["values"]), values)
    job = run(api, "saliency", cat, target="class:285")
    wanted = array(artifact(api, job["urls"]["self"], "values.npy"))
    assert np.abs(values - wanted).max() <= 1e-5 * np.abs(wanted).max()
    (classes,) = v1["predicted"]["predictions"]
    wanted_classes = run(api, "predict", cat, top_k=2)["result"]["summary"]["predictions"]
    assert [each["index"] for each in classes] == [each["index"] for each in wanted_classes]


def test_v2(said: Any, api: httpx.Client) -> None:
    v2 = said["v2"]
    assert v2["live"] is v2["ready"] is v2["model_ready"] is True
    assert v2["ids"] == ["mine", "mine"]
    for heatmap, shown in zip(v2["heatmaps"], v2["explanations"], strict=True):
        values = array(artifact(api, shown["job"], "values.npy"))
        assert np.array_equal(np.float32(heatmap), values[None])
        assert shown["target"] == "class:285" and "overlay.png" in shown
    numbers = said["v1"]["explained"]["explanations"][0]["values"]
    assert np.array_equal(*map(np.float32, (v2["heatmaps"][0], [numbers])))


def test_the_client_shows_the_sentence_of_a_refusal(said: Any) -> None:
    for protocol in ("v1", "v2"):
        assert "Send a key as `Authorization: Bearer" in said[protocol]["without_key"]
        assert "401" in said[protocol]["without_key"]
    assert "instances/0: the text is not base64" in said["v1"]["bad"]
    assert "There is no served name 'dogs'" in said["v1"]["unknown"]
    assert "binary tensors are not taken" in said["v2"]["binary"]


def test_v2_of_kserve_has_no_explain(said: Any) -> None:
    """So an explanation is asked for by `infer`."""
    assert "v2" in said["v2"]["explain"]
