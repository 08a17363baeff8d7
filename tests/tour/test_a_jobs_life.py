"""A job's life: from an uploaded image to a heatmap, by plain HTTP calls.

The fixture `client` talks to a real service: API, Redis and a worker, started for these tests.
"""

import io

import httpx
import numpy as np
from PIL import Image


def test_from_a_photograph_to_a_heatmap(client: httpx.Client, coffee: bytes) -> None:
    # Upload an image once. Its id is the hash of its bytes, and any number of jobs can refer to it.
    image = client.post("/v1/images", files={"image": coffee}).json()
    assert (image["width"], image["height"]) == (600, 400)

    # Ask the model what it sees. A prediction takes milliseconds, so the answer is the result.
    predicted = client.post(
        "/v1/models/efficientnet_lite0/predict", data={"image": image["id"]}
    ).json()
    best = predicted["result"]["summary"]["predictions"][0]
    assert best["label"] == "espresso" and best["probability"] > 0.9

    # Ask where it sees that. The service accepts the job at once, and answers with its parameters:
    # every default is filled in, so that the same request can be sent again years later.
    created = client.post(
        "/v1/jobs/occlusion", data={"image": image["id"], "stride": "32", "seed": "1"}
    )
    assert created.status_code == 202
    job = created.json()
    assert job["params"]["window"] == 32 and job["params"]["seed"] == 1

    # Poll the job until it has ended. With `wait` the server holds its answer for some seconds.
    while job["status"] in ("queued", "running"):
        job = client.get(created.headers["Location"], params={"wait": 10}).json()
    assert job["status"] == "succeeded", job["error"]
    assert job["result"]["summary"]["target"]["label"] == "espresso"
    assert job["provenance"]["weights"].startswith("sha256:")

    # Fetch the artifacts. Pictures have the size of the photograph. The raw values have the size of
    # the network's input, and no normalization that could not be undone.
    files = {
        artifact["name"]: client.get(artifact["url"]).content
        for artifact in job["result"]["artifacts"]
    }
    assert Image.open(io.BytesIO(files["overlay.png"])).size == (600, 400)
    assert np.load(io.BytesIO(files["values.npy"])).shape == (224, 224)

    # Explain any neuron: here channel 20 of a layer, at the centre of its map. A job can also be
    # sent as JSON, and `Prefer: wait` asks for the finished job in one call.
    neuron = {"image": image["id"], "target": "blocks.4.0.conv_pw:20@center"}
    job = client.post("/v1/jobs/saliency", json=neuron, headers={"Prefer": "wait=30"}).json()
    assert job["status"] == "succeeded", job["error"]
    assert job["result"]["summary"]["target"]["position"] == [7, 7]

    # Delete the job. Its record and its artifacts are gone.
    assert client.delete(job["urls"]["self"]).status_code == 204
    assert client.get(job["urls"]["self"]).status_code == 404
