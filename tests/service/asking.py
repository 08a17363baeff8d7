"""What the tests ask of the API again and again, and what must be true of every answer."""

from pathlib import Path
from typing import Any

import httpx

import service

_HERE = Path(service.__file__).parents[1]
_SECRETS = ("Traceback", "site-packages", str(_HERE), str(Path.home()) + "/", 'File "')
_LONG = 60


def says_nothing_of_this_machine(answer: httpx.Response) -> None:
    """Fails if a text answer or a header holds a traceback or a folder."""
    kind = answer.headers.get("content-type", "")
    text = str(answer.headers)
    if "json" in kind or kind.startswith("text/"):
        answer.read()
        text += answer.text
    for secret in _SECRETS:
        assert secret not in text, text


def refused(answer: httpx.Response, status: int, code: str, *words: str) -> dict[str, Any]:
    """The problem document: complete, of that code, and with those words in its sentence."""
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


def newest_job(client: httpx.Client) -> str | None:
    """The id of the latest job: it changes whenever a job is made."""
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
    """A job that was accepted, and shares nothing; the image is a file's bytes or the id of a stored one."""
    params = {"cache": False, **params}
    if isinstance(image, bytes):
        answer = client.post(f"/v1/jobs/{technique}", files={"image": image}, data=params)
    else:
        answer = client.post(f"/v1/jobs/{technique}", json={"image": image, **params})
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def ended(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """The job, once it is over."""
    answer = client.get(job["urls"]["self"], params={"wait": _LONG})
    assert answer.status_code == 200, answer.text
    job = answer.json()
    assert job["status"] in ("succeeded", "failed", "canceled"), job
    return job


def run(client: httpx.Client, technique: str, image: str | bytes, **params: Any) -> dict[str, Any]:
    """A job that succeeded."""
    job = ended(client, queue(client, technique, image, **params))
    assert job["status"] == "succeeded", job["error"]
    return job


def pages(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    """All jobs of a listing, page after page."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/v1/jobs", params=query | cursor).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}
