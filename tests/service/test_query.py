"""Query parameters that a call does not declare are refused by every call alike."""

import httpx
import pytest

from jobs.job_request import JobRequest
from jobs.model import InputImage
from jobs.store import JobStore
from service.app import create_app
from service.inference.paths import is_inference
from tests.service.asking import pages, refused, refused_inference

JOB = "0" * 32
PLACES = {
    "technique": "saliency",
    "model": "resnet18",
    "job_id": JOB,
    "name": "image.png",
    "image_id": f"sha256:{'0' * 64}",
    "set_id": JOB,
    "batch_id": JOB,
    "image": f"sha256:{'0' * 64}",
    "file": "overlay.png",
    "delivery_id": f"msg_{JOB}_failed",
    "version": "1",
}


def calls() -> list[tuple[str, str]]:
    """Return the method and address of every operation in OpenAPI."""
    return [
        (method.upper(), address.format(**PLACES))
        for address, operations in create_app().openapi()["paths"].items()
        for method in operations
    ]


CALLS = calls()


def test_every_call_refuses_a_parameter_that_it_does_not_declare(own: httpx.Client) -> None:
    assert len(CALLS) > 40
    for method, address in CALLS:
        answer = own.request(method, address, params={"nope": "1"})
        if is_inference(address):
            refused_inference(answer, 400, "invalid_parameters", "'nope'")
            continue
        problem = refused(answer, 422, "invalid_parameters", "'nope'")
        assert problem["errors"][0]["pointer"] == "/nope", (method, address)


def test_every_call_that_is_not_in_openapi_does_too(own: httpx.Client) -> None:
    refused(own.get("/", params={"nope": "1"}), 422, "invalid_parameters", "'nope'")
    answer = own.post("/v1/jobs/predikt", params={"nope": "1"})
    refused(answer, 422, "invalid_parameters", "'nope'")


def test_a_misspelled_parameter_is_answered_with_the_near_one(own: httpx.Client) -> None:
    answer = own.get("/v1/jobs", params={"stauts": "failed"})
    refused(answer, 422, "invalid_parameters", "Did you mean 'status'?", "cursor, label, limit")


def test_a_parameter_of_a_technique_belongs_in_the_body(own: httpx.Client, small: bytes) -> None:
    answer = own.post("/v1/jobs/saliency", params={"samples": "4"}, files={"image": small})
    refused(answer, 422, "invalid_parameters", "'samples'", "in the body", "-F name=value")


def test_a_parameter_that_is_sent_twice_is_refused(own: httpx.Client) -> None:
    answer = own.get("/v1/jobs?status=failed&limit=3&status=queued")
    refused(answer, 422, "invalid_parameters", "'status' was sent twice")


def test_declared_parameters_are_accepted(own: httpx.Client) -> None:
    for address in ("/v1/jobs?limit=3&status=failed", "/v1/models?query=resnet", "/v1/jobs?"):
        assert own.get(address).status_code == 200


def test_the_address_of_a_preview_may_differ_by_its_step(own: httpx.Client) -> None:
    """A page shows every preview as an image of its own address, past the browser's cache."""
    answer = own.get(f"/v1/jobs/{JOB}/preview", params={"step": 64})
    refused(answer, 404, "job_not_found")


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ({"technique": "nope"}, "unknown_technique", ("'nope'",)),
        ({"technique": "salience"}, "unknown_technique", ("Did you mean 'saliency'",)),
        ({"technique": ""}, "unknown_technique", ("''",)),
        ({"model": "resnet81"}, "unknown_model", ("Did you mean", "'resnet18'")),
        ({"model": "timm:nope"}, "unknown_model", ("'timm:nope'",)),
    ],
)
def test_a_filter_by_what_does_not_exist_is_refused(
    own: httpx.Client, query: dict[str, str], code: str, words: tuple[str, ...]
) -> None:
    problem = refused(own.get("/v1/jobs", params=query), 422, code, *words)
    [name] = query
    assert problem["errors"][0]["pointer"] == f"/{name}"


def test_jobs_of_a_model_that_was_removed_can_be_listed(own: httpx.Client, store: JobStore) -> None:
    request = JobRequest(
        owner="local",
        technique="predict",
        model="removed",
        queue="fast",
        params={"model": "removed", "seed": 1, "top_k": 5},
        inputs={"image": InputImage(id=f"sha256:{'0' * 64}", width=300, height=200)},
        batchable=False,
    )
    job = store.create(request)
    assert [item["id"] for item in pages(own, model="removed")] == [job.id]
