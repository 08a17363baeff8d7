"""What the inference protocols refuse, with a text that says what to change, and no job."""

import json
from typing import Any

import httpx
import pytest

from tests.service.asking import newest_job, refused_inference
from tests.service.inference.asking import NAME, b64, explain, infer, instance, tensor
from tests.service.pictures import plain

pytestmark = pytest.mark.usefixtures("nothing_queued")

TINY = plain(40, 30)
GOOD = instance(TINY)
ABSENT = f"sha256:{'0' * 64}"
# Their product has more digits than Python writes.
_HUGE = (10**4000, 10**4000)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({}, "invalid_parameters", ['"instances"']),
        ({"instances": [GOOD], "inputs": [GOOD]}, "invalid_parameters", ["one list"]),
        ({"instnces": [GOOD]}, "invalid_parameters", ["Did you mean 'instances'"]),
        ({"instances": GOOD}, "invalid_parameters", ["must be a list"]),
        ({"instances": []}, "invalid_parameters", ["there are none"]),
        ({"instances": [GOOD] * 17}, "invalid_parameters", ["1 to 16 images", "there are 17"]),
        ({"instances": [{}]}, "invalid_parameters", ["instances/0: has no image"]),
        ({"instances": [{"img": "x"}]}, "invalid_parameters", ["no field 'img'", "image"]),
        ({"instances": [3]}, "invalid_parameters", ["instances/0: must be"]),
        ({"instances": [{"b64": "%"}]}, "invalid_parameters", ["instances/0/b64", "not base64"]),
        ({"instances": [{"b64": 3}]}, "invalid_parameters", ["must be a text"]),
        ({"instances": [{"b64": ""}]}, "image_missing", ["instances/0", "empty"]),
        ({"instances": ["data:image/png,x"]}, "invalid_parameters", ["must be base64"]),
        ({"instances": [GOOD, ABSENT]}, "unknown_image", ["instances/1: 'sha256:0000"]),
        ({"instances": [GOOD, {"b64": b64(TINY[:60])}]}, "broken_image", ["instances/1"]),
        ({"instances": [GOOD, {"b64": b64(b"text")}]}, "not_an_image", ["instances/1", "PNG"]),
        ({"instances": ["https://x.example/a.png"]}, "image_url_not_allowed", ["instances/0"]),
        ({"instances": ["\ud83d:"]}, "invalid_parameters", ["half of a character"]),
        ({"instances": [[[[0.5, 0, 0]]]]}, "invalid_parameters", ["not 0.5", "multiplied by 255"]),
        ({"instances": [[[[256, 0, 0]]]]}, "invalid_parameters", ["not 256"]),
        ({"instances": [[[[True, 0, 0]]]]}, "invalid_parameters", ["not True"]),
        ({"instances": [[[[0, 0]]]]}, "invalid_parameters", ["3 numbers each"]),
        ({"instances": [[[[0, 0, 0]], []]]}, "invalid_parameters", ["H rows of W pixels"]),
        ({"instances": [[0, 0, 0]]}, "invalid_parameters", ["H rows of W pixels"]),
        ({"instances": [[[[0, 0, 0]] * 4]]}, "image_too_small", ["instances/0"]),
        ({"instances": [GOOD], "parameters": []}, "invalid_parameters", ["must be an object"]),
    ],
)
def test_a_bad_body_of_v1(client: httpx.Client, body: Any, code: str, words: list[str]) -> None:
    answer = client.post(f"/v1/models/{NAME}:explain", content=json.dumps(body))
    refused_inference(answer, 400, code, *words)


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"target": "class:egyptian cta"}, "unknown_class", ["Did you mean"]),
        ({"target": "blocks.99"}, "unknown_layer", ["blocks.99"]),
        ({"smples": 3}, "invalid_parameters", ["Did you mean 'samples'"]),
        ({"samples": 0}, "invalid_parameters", ["samples"]),
        ({"technique": "salience"}, "unknown_technique", ["Did you mean 'saliency'"]),
        ({"technique": ["saliency"]}, "invalid_parameters", ["name of a technique"]),
        ({"technique": "style_transfer"}, "invalid_parameters", ["one image alone"]),
        ({"technique": "top_patches"}, "invalid_parameters", ["/v1/jobs/top_patches"]),
        ({"outputs": "overly.png"}, "invalid_parameters", ["Did you mean 'overlay.png'"]),
        ({"outputs": 3}, "invalid_parameters", ["separated by commas"]),
        ({"technique": "embed", "outputs": "values"}, "invalid_parameters", ["embedding.npy"]),
        ({"model": "resnet18"}, "invalid_parameters", ["the address names the model"]),
    ],
)
def test_bad_parameters(
    client: httpx.Client, parameters: dict[str, Any], code: str, words: list[str]
) -> None:
    status = 404 if code == "unknown_technique" else 400
    refused_inference(explain(client, GOOD, **parameters), status, code, *words)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, ["inputs: must be a list of one tensor"]),
        ({"inputs": [tensor(b64(TINY))] * 2}, ["one tensor"]),
        ({"input": []}, ["Did you mean 'inputs'"]),
        ({"inputs": [tensor(b64(TINY), name="x")]}, ["named image, not 'x'"]),
        ({"inputs": [tensor(0.5, datatype="FP32")]}, ["'FP32' is not taken", "UINT8 [N, H, W, 3]"]),
        ({"inputs": [tensor(b64(TINY), shape=[2])]}, ["has 2 elements, and the data has 1"]),
        ({"inputs": [tensor(b64(TINY), shape=[1, 2])]}, ["[N] or [N, 1], not [1, 2]"]),
        ({"inputs": [tensor(b64(TINY), shape=["1"])]}, ["list of whole numbers"]),
        ({"inputs": [tensor(b64(TINY), shape=[])]}, ["there are none"]),
        ({"inputs": [tensor(*[b64(TINY)] * 17)]}, ["there are 17"]),
        ({"inputs": [tensor(b64(TINY), shape=[10**9])]}, ["there are 1,000,000,000"]),
        ({"inputs": [tensor("%")]}, ["inputs/0/data/0", "not base64"]),
        ({"inputs": [tensor(3)]}, ["must be a text"]),
        ({"inputs": [tensor(*[0] * 11, datatype="UINT8", shape=[1, 2, 2, 3])]}, ["has 12"]),
        ({"inputs": [tensor(*[0] * 4, datatype="UINT8", shape=[2, 2])]}, ["is [N, H, W, 3]"]),
        ({"inputs": [tensor(*[300] * 3, datatype="UINT8", shape=[1, 1, 1, 3])]}, ["not 300"]),
        ({"inputs": [tensor(datatype="UINT8", shape=[1, 0, 0, 3])]}, ["no pixels"]),
        ({"inputs": [tensor(datatype="UINT8", shape=[1, *_HUGE, 3])]}, ["at most 1,000,000"]),
        ({"inputs": [tensor(shape=[1] * 5)]}, ["at most 4 numbers"]),
        ({"inputs": [tensor(b64(TINY), parameters={"content_type": "np"})]}, ["is base64"]),
        ({"inputs": [tensor(parameters={"binary_data_size": 9}, shape=[1])]}, ["binary tensors"]),
        ({"inputs": [tensor(b64(TINY))], "outputs": [{"name": "x"}]}, ["explanation and heatmap"]),
        ({"inputs": [tensor(b64(TINY))], "outputs": {"name": "x"}}, ["outputs: must be a list"]),
        ({"inputs": [tensor(b64(TINY))], "id": 3}, ["id: must be a text"]),
        ({"inputs": [tensor(b64(TINY))], "parameters": {"target": ["a"]}}, ["target: must be a"]),
    ],
)
def test_a_bad_body_of_v2(client: httpx.Client, body: Any, words: list[str]) -> None:
    refused_inference(infer(client, **body), 400, "invalid_parameters", *words)


@pytest.mark.parametrize("path", [f"/v1/models/{NAME}:explain", f"/v2/models/{NAME}/infer"])
def test_what_is_not_a_json_object(client: httpx.Client, path: str) -> None:
    for content in (b"{", b"[]", b"3", b'{"a": NaN}', b"[" * 5000, b"\xff"):
        answer = client.post(path, content=content)
        refused_inference(answer, 400, "invalid_request", "JSON")
    many = client.post(path, content=b'{"instances": [' + b"0," * 4_000_001 + b"0]}")
    refused_inference(many, 400, "invalid_request", "base64")
    form = client.post(path, files={"image": TINY})
    refused_inference(form, 400, "unsupported_media_type", "Send JSON")
    length = {"Inference-Header-Content-Length": "2"}
    refused_inference(client.post(path, content=b"{}xx", headers=length), 400, "invalid_request",
                      "binary_data=False")  # fmt: skip


@pytest.mark.parametrize("name", ["nothing", "timm:resnet18", "timm", "a.b", "x" * 300])
def test_a_name_that_is_not_served(client: httpx.Client, name: str) -> None:
    for answer in (
        client.post(f"/v1/models/{name}:explain", json={}),
        client.post(f"/v1/models/{name}:predict", json={}),
        infer(client, name),
        client.get(f"/v2/models/{name}"),
        client.get(f"/v2/models/{name}/ready"),
    ):
        refused_inference(answer, 404, "unknown_model")


def test_a_version_that_is_not_there(client: httpx.Client) -> None:
    for answer in (
        client.get(f"/v2/models/{NAME}/versions/2"),
        client.post(f"/v2/models/{NAME}/versions/2/infer", json={}),
    ):
        refused_inference(answer, 404, "not_found", "The only one is 1")


def test_the_images_before_a_bad_one_are_not_run(client: httpx.Client) -> None:
    before = newest_job(client)
    refused_inference(explain(client, GOOD, GOOD, {"b64": b64(b"no")}), 400, "not_an_image")
    assert newest_job(client) == before
