"""The Open Inference Protocol V2 on a real stack, asked by Triton's client."""

import json
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from jobs.settings import Settings
from retinoscope.stack import Stack
from tests.service.asking import refused_inference, run
from tests.service.conftest import Serve
from tests.service.inference.asking import (
    NAME,
    array,
    artifact,
    b64,
    explain,
    explanations,
    infer,
    instance,
    pixels,
    tensor,
)


@pytest.fixture
def served(stack: Stack) -> Iterator[triton.InferenceServerClient]:
    address = f"{stack.plan.host}:{stack.plan.port}"
    with triton.InferenceServerClient(address, network_timeout=90) as client:
        yield client


def texts(*images: bytes) -> triton.InferInput:
    """Return the input BYTES of image files, as base64."""
    tensor = triton.InferInput("image", [len(images)], "BYTES")
    data = np.array([b64(image) for image in images], dtype=object)
    return tensor.set_data_from_numpy(data, binary_data=False)


def outputs(*names: str) -> list[triton.InferRequestedOutput]:
    return [triton.InferRequestedOutput(name, binary_data=False) for name in names]


def test_it_is_alive_and_ready(served: triton.InferenceServerClient) -> None:
    assert served.is_server_live() and served.is_server_ready()
    assert served.is_model_ready(NAME) and served.is_model_ready(NAME, model_version="1")
    assert not served.is_model_ready("nothing") and not served.is_model_ready(NAME, "2")


def test_metadata_names_the_tensors(served: triton.InferenceServerClient) -> None:
    assert served.get_server_metadata()["name"] == "retinoscope"
    found = served.get_model_metadata(NAME)
    assert (found["name"], found["versions"]) == (NAME, ["1"])
    assert found["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
    assert found["outputs"] == [
        {"name": "explanation", "datatype": "BYTES", "shape": [-1, 1]},
        {"name": "heatmap", "datatype": "FP32", "shape": [-1, 224, 224]},
    ]


def test_image_files_as_bytes(
    served: triton.InferenceServerClient, client: httpx.Client, small: bytes, chelsea: bytes
) -> None:
    found = served.infer(
        NAME,
        [texts(small, chelsea)],
        outputs=outputs("explanation", "heatmap"),
        request_id="mine",
        parameters={"technique": "saliency", "target": "class:285"},
    )
    assert found.get_response()["id"] == "mine"
    heatmap, explanation = found.as_numpy("heatmap"), found.as_numpy("explanation")
    assert (heatmap.dtype, heatmap.shape) == (np.float32, (2, 224, 224))
    assert explanation.shape == (2, 1)
    for image, values, (text,) in zip((small, chelsea), heatmap, explanation, strict=True):
        shown = json.loads(text)
        assert np.array_equal(values, array(artifact(client, shown["job"], "values.npy")))
        job = run(client, "saliency", image, target="class:285")
        wanted = array(artifact(client, job["urls"]["self"], "values.npy"))
        # The two ran as one batch, or not.
        assert np.abs(values - wanted).max() <= 1e-5 * np.abs(wanted).max()
        score = job["result"]["summary"]["score_value"]
        assert (shown["target"], shown["score"]) == ("class:285", pytest.approx(score, rel=1e-5))


def test_pixels_as_numbers(
    served: triton.InferenceServerClient, client: httpx.Client, small: bytes
) -> None:
    photograph = pixels(small)[None]
    tensor = triton.InferInput("image", list(photograph.shape), "UINT8")
    tensor.set_data_from_numpy(photograph, binary_data=False)
    found = served.infer(NAME, [tensor], outputs=outputs("heatmap"))
    (wanted,) = explanations(explain(client, instance(small), outputs="values"))
    assert np.array_equal(found.as_numpy("heatmap")[0], np.float32(wanted["values"]))
    assert found.as_numpy("explanation") is None


def test_without_wishes_the_explanation_is_answered_alone(
    served: triton.InferenceServerClient, small: bytes
) -> None:
    """Triton's client then asks for binary outputs, and reads JSON all the same."""
    found = served.infer(NAME, [texts(small)])
    assert [each["name"] for each in found.get_response()["outputs"]] == ["explanation"]
    assert found.get_response()["id"]
    assert "overlay.png" in json.loads(found.as_numpy("explanation")[0, 0])


def test_nested_data_and_a_version(client: httpx.Client, small: bytes) -> None:
    flat = tensor(b64(small))
    nested = tensor([b64(small)], shape=[1, 1], parameters={"content_type": "base64"})
    numbers = tensor(*pixels(small)[None].tolist(), datatype="UINT8", shape=[1, 200, 300, 3])
    found = [
        client.post(f"/v2/models/{NAME}/versions/1/infer", json={"inputs": [each]})
        for each in (flat, nested, numbers)
    ]
    scores = {json.loads(each.json()["outputs"][0]["data"][0])["score"] for each in found}
    assert len(scores) == 1


def test_classes_come_by_the_technique_predict(client: httpx.Client, small: bytes) -> None:
    answer = infer(client, inputs=[tensor(b64(small))], parameters={"technique": "predict"})
    shown = json.loads(answer.json()["outputs"][0]["data"][0])
    assert shown["summary"]["predictions"][0]["label"] == "espresso"
    answer = infer(
        client,
        inputs=[tensor(b64(small))],
        parameters={"technique": "predict"},
        outputs=[{"name": "heatmap"}],
    )
    refused_inference(answer, 400, "invalid_parameters", "predict leaves no map")


def test_triton_shows_the_sentence_of_a_refusal(
    served: triton.InferenceServerClient, small: bytes
) -> None:
    with pytest.raises(InferenceServerException, match="has no class 'nope'") as refused:
        served.infer(NAME, [texts(small)], parameters={"target": "class:nope"})
    assert refused.value.status() == "400"
    binary = triton.InferInput("image", [1], "BYTES")
    binary.set_data_from_numpy(np.array([small], dtype=object))
    with pytest.raises(InferenceServerException, match="binary tensors are not taken"):
        served.infer(NAME, [binary])


def test_without_a_worker_a_model_is_not_ready_and_the_server_is(
    serve: Serve, settings: Settings
) -> None:
    own = serve(settings)
    assert own.get("/v2/health/ready").json() == {"ready": True, "live": True}
    answer = own.get(f"/v2/models/{NAME}/ready")
    assert (answer.status_code, answer.json()) == (503, {"name": NAME, "ready": False})
    assert own.get(f"/v1/models/{NAME}").json()["ready"] is False


def test_the_models_of_v1_say_what_is_served(client: httpx.Client) -> None:
    names = client.get("/v2/models").json()["models"]
    assert client.get("/v1/models").json()["models"] == names
    assert client.get("/v1/models?query=vgg11").json()["models"] == ["vgg11", "vgg11_bn"]
    model = client.get(f"/v1/models/{NAME}").json()
    assert model["ready"] is True
    assert model["served"] == {"model": NAME, "technique": "grad_cam", "params": {}}
    assert client.get("/v1/models/timm:resnet18").json()["served"] is None
