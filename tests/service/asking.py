"""Requests that many tests send, and checks that every response must pass."""

from pathlib import Path
from typing import Any

import httpx

import service

_HERE = Path(service.__file__).parents[1]
_SECRETS = ("Traceback", "site-packages", str(_HERE), str(Path.home()) + "/", 'File "')
_LONG = 60


def says_nothing_of_this_machine(answer: httpx.Response) -> None:
    """Fail if a text response or a header contains a traceback or a path of this machine."""
    kind = answer.headers.get("content-type", "")
    text = str(answer.headers)
    if "json" in kind or kind.startswith("text/"):
        answer.read()
        text += answer.text
    for secret in _SECRETS:
        assert secret not in text, text


def refused(answer: httpx.Response, status: int, code: str, *words: str) -> dict[str, Any]:
    """Return the problem document, which is complete, has that code, and mentions those words."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert problem["status"] == status
    assert problem["type"] == f"urn:retinoscope:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    for word in words:
        assert word in problem["detail"], problem
    return problem


def refused_inference(
    answer: httpx.Response, status: int, code: str, *words: str
) -> dict[str, Any]:
    """Return the error as clients of the inference protocols read it; it mentions those words.

    They show the text only if the Content-Type is exactly this.
    """
    assert answer.headers["content-type"] == "application/json", answer.text
    error: dict[str, Any] = answer.json()
    assert (answer.status_code, error["code"]) == (status, code), error
    assert error["error"].endswith(f"({code})")
    for word in words:
        assert word in error["error"], error
    return error


def newest_job(client: httpx.Client) -> str | None:
    """Return the id of the latest job. It changes whenever a job is created."""
    items = client.get("/v1/jobs", params={"limit": 1}).json()["items"]
    return items[0]["id"] if items else None


def store_image(client: httpx.Client, data: bytes) -> dict[str, Any]:
    answer = client.post("/v1/images", files={"image": data})
    assert answer.status_code == 201, answer.text
    image: dict[str, Any] = answer.json()
    return image


def queue(
    client: httpx.Client, technique: str, image: str | bytes, **params: Any
) -> dict[str, Any]:
    """Create a job that shares no work and is accepted.

    The image is the bytes of a file, or the id of a stored one.
    """
    params = {"cache": False, **params}
    if isinstance(image, bytes):
        answer = client.post(f"/v1/jobs/{technique}", files={"image": image}, data=params)
    else:
        answer = client.post(f"/v1/jobs/{technique}", json={"image": image, **params})
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def ended(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """Return the job once it has ended.

    The first job of a stack waits until its worker has tested the model: minutes on a busy machine.
    """
    for _ in range(4):
        answer = client.get(job["urls"]["self"], params={"wait": _LONG})
        assert answer.status_code == 200, answer.text
        job = answer.json()
        if job["finished_at"]:
            break
    assert job["status"] in ("succeeded", "failed", "canceled"), job
    return job


def run(client: httpx.Client, technique: str, image: str | bytes, **params: Any) -> dict[str, Any]:
    """Return a job that has succeeded."""
    job = ended(client, queue(client, technique, image, **params))
    assert job["status"] == "succeeded", job["error"]
    return job


def pages(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    """Return all jobs of a listing, page after page."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/v1/jobs", params=query | cursor).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}
