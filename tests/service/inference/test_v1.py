"""KServe's V1 protocol on a real stack: its answers are those of the job API."""

import base64

import httpx
import numpy as np
import pytest

from tests.service.asking import newest_job, pages, refused_inference, run, store_image
from tests.service.inference.asking import (
    NAME,
    array,
    artifact,
    b64,
    explain,
    explanations,
    instance,
    pixels,
)
from tests.service.pictures import encoded, photo


@pytest.fixture(scope="module")
def cat(chelsea: bytes) -> bytes:
    return encoded(photo(chelsea, 240, 160))


def test_an_explanation_is_that_of_the_job_api(client: httpx.Client, cat: bytes) -> None:
    job = run(client, "saliency", cat, target="class:285")
    names = "overlay.png, values.npy,values"
    answer = explain(client, instance(cat), technique="saliency", target="class:285", outputs=names)
    (shown,) = explanations(answer)
    assert shown["summary"] == job["result"]["summary"]
    assert (shown["target"], shown["score"]) == ("class:285", shown["summary"]["score_value"])
    values = array(artifact(client, job["urls"]["self"], "values.npy"))
    assert np.array_equal(np.float32(shown["values"]), values)
    for name in ("overlay.png", "values.npy"):
        sent = base64.b64decode(shown[name]["b64"])
        assert sent == artifact(client, shown["job"], name)
    assert np.array_equal(array(sent), values)
    assert answer.json()["predictions"] == [[shown["summary"]["predicted"]]]


def test_numbers_are_sent_only_when_asked_for(client: httpx.Client, cat: bytes) -> None:
    (shown,) = explanations(explain(client, instance(cat)))
    assert shown.keys() == {"target", "score", "summary", "job", "overlay.png"}
    assert client.get(shown["job"]).json()["technique"] == "grad_cam"
    (bare,) = explanations(explain(client, instance(cat), outputs=""))
    assert bare.keys() == shown.keys() - {"overlay.png"}
    (unmade,) = explanations(explain(client, instance(cat), outputs=["check.png"]))
    assert unmade["check.png"] is None


def test_an_image_in_every_form_is_the_same(client: httpx.Client, cat: bytes) -> None:
    stored = store_image(client, cat)["id"]
    url = f"data:image/png;base64,{b64(cat)}"
    forms = [instance(cat), {"b64": b64(cat)}, b64(cat), stored, url, {"image": stored}]
    found = explanations(explain(client, *forms, pixels(cat).tolist(), outputs="values.npy"))
    assert len({each["values.npy"]["b64"] for each in found}) == 1
    inputs = [client.get(each["job"]).json()["inputs"]["image"]["id"] for each in found]
    assert inputs[:-1] == [stored] * len(forms) and inputs[-1] != stored


def test_numbers_may_be_written_as_floats(client: httpx.Client, cat: bytes) -> None:
    numbers = pixels(cat).astype(float).tolist()
    one, other = explanations(explain(client, {"image": numbers}, instance(cat), outputs="values"))
    assert one["values"] == other["values"]


def test_predictions_are_those_of_the_job_api(
    client: httpx.Client, cat: bytes, small: bytes
) -> None:
    body = {"inputs": [instance(cat), instance(small)], "parameters": {"top_k": 3}}
    answer = client.post(f"/v1/models/{NAME}:predict", json=body)
    assert answer.status_code == 200, answer.text
    for image, found in zip((cat, small), answer.json()["predictions"], strict=True):
        wanted = run(client, "predict", image, top_k=3)["result"]["summary"]["predictions"]
        assert [each.keys() for each in found] == [{"index", "label", "probability"}] * 3
        assert [each["label"] for each in found] == [each["label"] for each in wanted]
        for each, other in zip(found, wanted, strict=True):
            assert each["probability"] == pytest.approx(other["probability"], rel=1e-4)


def test_several_images_are_one_job_each_in_their_order(
    client: httpx.Client, cat: bytes, small: bytes
) -> None:
    """The second of two equal images takes the result of the first."""
    before = len(pages(client))
    found = explanations(explain(client, instance(small), instance(cat), instance(small)))
    assert len(pages(client)) == before + 3
    labels = [each["summary"]["predicted"]["label"] for each in found]
    assert labels[0] == labels[2] != labels[1]
    jobs = [client.get(each["job"]).json() for each in found]
    assert len({job["id"] for job in jobs}) == 3


def test_curl_without_a_content_type_of_json_is_read(client: httpx.Client, cat: bytes) -> None:
    """`curl -d @input.json` declares a form."""
    answer = client.post(
        f"/v1/models/{NAME}:explain",
        content=f'{{"instances": ["{b64(cat)}"]}}',
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert len(explanations(answer)) == 1


def test_a_key_makes_the_same_jobs_once(client: httpx.Client, cat: bytes, small: bytes) -> None:
    headers = {"Idempotency-Key": f"twice-{len(cat)}"}
    images = [instance(cat), instance(small)]
    first = explanations(explain(client, *images, headers=headers, cache=False))
    newest = newest_job(client)
    again = explanations(explain(client, *images, headers=headers, cache=False))
    assert [each["job"] for each in again] == [each["job"] for each in first]
    for other in (images[:1], images[::-1], [*images, instance(cat)]):
        answer = explain(client, *other, headers=headers, cache=False)
        refused_inference(answer, 400, "idempotency_key_reused")
    answer = explain(client, *images, headers=headers, cache=False, target="class:3")
    refused_inference(answer, 400, "idempotency_key_reused")
    assert newest_job(client) == newest


def test_who_does_not_want_to_wait_gets_the_jobs(client: httpx.Client, cat: bytes) -> None:
    answer = explain(
        client, instance(cat), instance(cat), headers={"Prefer": "respond-async"}, cache=False
    )
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    jobs = answer.json()["jobs"]
    assert len(jobs) == 2
    assert answer.json()["job"] == answer.headers["location"] == jobs[0]
    for job in jobs:
        assert client.get(job, params={"wait": 60}).json()["status"] == "succeeded"


def test_past_the_wait_the_error_names_the_job_that_runs_on(
    client: httpx.Client, cat: bytes
) -> None:
    headers = {"Prefer": "wait=0"}
    answer = explain(client, instance(cat), headers=headers, cache=False, samples=3)
    error = refused_inference(answer, 504, "not_in_time", "respond-async")
    assert error["jobs"] == [error["job"]]
    assert client.get(error["job"], params={"wait": 60}).json()["status"] == "succeeded"


def test_a_job_that_fails_is_an_error_of_its_image(client: httpx.Client, cat: bytes) -> None:
    answer = explain(client, instance(cat), deadline_s=1, technique="rise", masks=8000)
    error = refused_inference(answer, 503, "deadline_exceeded", "instances/0/image")
    assert client.get(error["job"]).json()["error"]["code"] == "deadline_exceeded"
    assert answer.headers["retry-after"]
