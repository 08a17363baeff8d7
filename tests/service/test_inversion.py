"""From an image to an embedding and back over HTTP; arrays in requests, and their refusals."""

import base64
import hashlib
import io

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.service.arrays import npy
from tests.service.asking import ended, refused, run, store_image

LAYER = "blocks.0"
SHAPE = (16, 112, 112)
JOB = "/v1/jobs/inversion"


def file_of(client: httpx.Client, job: dict, name: str) -> bytes:
    [found] = [file for file in job["result"]["artifacts"] if file["name"] == name]
    return client.get(found["url"]).content


@pytest.fixture(scope="module")
def zeros_but_one() -> bytes:
    array = np.zeros(SHAPE, np.float32)
    array[0, 0, 0] = 1
    return npy(array)


def test_there_and_back(client: httpx.Client, small: bytes) -> None:
    embedded = run(client, "embed", small, layer=LAYER)
    assert embedded["result"]["summary"]["shape"] == list(SHAPE)
    data = file_of(client, embedded, "embedding.npy")
    assert np.load(io.BytesIO(data), allow_pickle=False).shape == SHAPE

    fields = {"layer": LAYER, "steps": "24", "seed": "4"}
    sent = client.post(JOB, files={"embedding": ("features.npy", data)}, data=fields).json()
    assert sent["inputs"] == {
        "embedding": {
            "id": f"sha256:{hashlib.sha256(data).hexdigest()}",
            "shape": list(SHAPE),
            "dtype": "float32",
        }
    }
    from_array = ended(client, sent)
    assert from_array["status"] == "succeeded", from_array["error"]
    from_image = run(client, "inversion", small, **fields)
    pictures = [file_of(client, job, "image-1.png") for job in (from_array, from_image)]
    pixels = [np.asarray(Image.open(io.BytesIO(picture))).astype(int) for picture in pictures]
    assert np.abs(pixels[0] - pixels[1]).max() <= 1
    assert from_array["result"]["summary"]["layers"][0]["error"][0] < 1
    assert "original" not in from_array["result"]["summary"]
    assert from_image["result"]["summary"]["original"]["label"] == "espresso"


def test_as_json_by_its_id_and_as_a_data_url(client: httpx.Client, zeros_but_one: bytes) -> None:
    fields = {"layer": LAYER, "steps": 1}
    url = f"data:application/x-npy;base64,{base64.b64encode(zeros_but_one).decode()}"
    first = client.post(JOB, json={"embedding": url, **fields}).json()
    again = client.post(JOB, json={"embedding": first["inputs"]["embedding"]["id"], **fields})
    assert again.json()["inputs"] == first["inputs"]
    by_form = client.post(JOB, data={"embedding": first["inputs"]["embedding"]["id"], **fields})
    assert by_form.json()["inputs"] == first["inputs"]
    for job in (first, again.json(), by_form.json()):
        client.post(job["urls"]["cancel"])


@pytest.mark.usefixtures("nothing_queued")
class TestRefused:
    def test_neither(self, client: httpx.Client) -> None:
        for answer in (client.post(JOB), client.post(JOB, json={"layer": LAYER})):
            problem = refused(
                answer, 422, "input_missing", "-F image=@photo.jpg", "-F embedding=@features.npy"
            )
            assert problem["errors"][0]["pointer"] == "/image"

    def test_both(self, client: httpx.Client, small: bytes, zeros_but_one: bytes) -> None:
        answer = client.post(
            JOB, files={"image": small, "embedding": zeros_but_one}, data={"layer": LAYER}
        )
        problem = refused(answer, 422, "invalid_parameters", "not both")
        assert problem["errors"][0]["pointer"] == "/embedding"

    def test_a_wrong_shape_names_both(self, client: httpx.Client, zeros_but_one: bytes) -> None:
        answer = client.post(JOB, files={"embedding": zeros_but_one}, data={"layer": "blocks.1"})
        problem = refused(answer, 422, "wrong_shape", "[16, 112, 112]", "[24, 56, 56]", "blocks.1")
        assert problem["errors"][0]["pointer"] == "/embedding"

    def test_the_default_layer_has_a_shape_too(
        self, client: httpx.Client, zeros_but_one: bytes
    ) -> None:
        refused(
            client.post(JOB, files={"embedding": zeros_but_one}),
            422,
            "wrong_shape",
            "[1280]",
            "global_pool",
        )

    def test_an_embedding_of_several_layers(
        self, client: httpx.Client, zeros_but_one: bytes
    ) -> None:
        answer = client.post(
            JOB, files={"embedding": zeros_but_one}, data={"layers": "conv_stem, blocks.0"}
        )
        refused(answer, 422, "invalid_parameters", "one layer")

    def test_a_photograph_as_an_embedding(
        self, client: httpx.Client, small: bytes, zeros_but_one: bytes
    ) -> None:
        problem = refused(client.post(JOB, files={"embedding": small}), 422, "not_an_array", ".npy")
        assert problem["errors"][0]["pointer"] == "/embedding"
        refused(client.post(JOB, files={"image": zeros_but_one}), 422, "not_an_image")

    def test_an_image_is_never_taken_for_an_array(self, client: httpx.Client, small: bytes) -> None:
        stored = store_image(client, small)["id"]
        refused(client.post(JOB, json={"embedding": stored}), 422, "unknown_array", "@features.npy")

    def test_an_array_is_never_taken_for_an_image(
        self, client: httpx.Client, zeros_but_one: bytes
    ) -> None:
        refused(
            client.post(JOB, files={"embedding": zeros_but_one}), 422, "wrong_shape"
        )  # The array is stored by now.
        digest = f"sha256:{hashlib.sha256(zeros_but_one).hexdigest()}"
        refused(client.post(JOB, json={"image": digest}), 422, "unknown_image")
        refused(client.get(f"/v1/images/{digest}"), 404, "image_not_found")

    def test_an_array_for_a_technique_without(
        self, client: httpx.Client, small: bytes, zeros_but_one: bytes
    ) -> None:
        answer = client.post(
            "/v1/jobs/saliency", files={"image": small, "embedding": zeros_but_one}
        )
        refused(answer, 422, "invalid_parameters", "'embedding'")

    def test_a_layer_that_is_not_there(self, client: httpx.Client, small: bytes) -> None:
        answer = client.post(JOB, files={"image": small}, data={"layers": "conv_stem, blokcs.1"})
        refused(answer, 422, "unknown_layer", "blokcs.1")


def test_the_menu_tells_of_both(client: httpx.Client) -> None:
    told = client.get("/v1/techniques/inversion").json()
    assert told["one_of"] == ["image", "embedding"]
    assert [(image["name"], image["kind"], image["required"]) for image in told["images"]] == [
        ("image", "image", False),
        ("embedding", "array", False),
    ]
    assert "-F image=@photo.jpg" in told["example"] and "embedding" not in told["example"]
