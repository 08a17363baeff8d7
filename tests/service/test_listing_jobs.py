"""The list of jobs: newest first, filtered, in pages that neither repeat nor lose a job."""

import httpx
import pytest

from jobs.lease import claim
from jobs.store import JobStore
from tests.service.asking import pages, queue, refused, store_image


@pytest.fixture
def stored(own: httpx.Client, small: bytes) -> str:
    """Return the id of an image in the test's own API."""
    return store_image(own, small)["id"]


def make(own: httpx.Client, stored: str, technique: str, number: int, **params: str) -> list[str]:
    """Create jobs; return their ids, newest first."""
    return [queue(own, technique, stored, **params)["id"] for _ in range(number)][::-1]


def ids(items: list[dict]) -> list[str]:
    return [item["id"] for item in items]


def test_nothing_is_an_empty_page(own: httpx.Client) -> None:
    assert own.get("/v1/jobs").json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("limit", [1, 7, 23, 24])
def test_pages_hold_every_job_once_newest_first(own: httpx.Client, stored: str, limit: int) -> None:
    made = make(own, stored, "predict", 23)
    assert ids(pages(own, limit=limit)) == made


def test_a_page_is_as_long_as_asked(own: httpx.Client, stored: str) -> None:
    made = make(own, stored, "predict", 22)
    first = own.get("/v1/jobs").json()
    assert ids(first["items"]) == made[:20]
    last = own.get("/v1/jobs", params={"cursor": first["next_cursor"]}).json()
    assert (ids(last["items"]), last["next_cursor"]) == (made[20:], None)
    exact = own.get("/v1/jobs", params={"limit": 22}).json()
    assert exact["next_cursor"] is None


def test_jobs_that_come_and_go_meanwhile_do_no_harm(own: httpx.Client, stored: str) -> None:
    made = make(own, stored, "predict", 8)
    first = own.get("/v1/jobs", params={"limit": 3}).json()
    make(own, stored, "predict", 2)
    assert own.delete(f"/v1/jobs/{first['next_cursor']}").status_code == 204
    second = own.get("/v1/jobs", params={"limit": 100, "cursor": first["next_cursor"]}).json()
    assert ids(first["items"]) + ids(second["items"]) == made


def test_filters(own: httpx.Client, stored: str, store: JobStore) -> None:
    predicts = make(own, stored, "predict", 3)
    saliencies = make(own, stored, "saliency", 3)
    others = make(own, stored, "saliency", 2, model="resnet18")
    own.post(f"/v1/jobs/{saliencies[1]}/cancel")
    assert claim(store, predicts[0])
    assert ids(pages(own, technique="predict")) == predicts
    assert ids(pages(own, model="resnet18")) == others
    assert ids(pages(own, status="canceled")) == [saliencies[1]]
    assert ids(pages(own, status="running")) == [predicts[0]]
    assert ids(pages(own, status="queued", technique="saliency", model="efficientnet_lite0")) == [
        saliencies[0],
        saliencies[2],
    ]
    assert pages(own, status="failed") == []


def test_filters_hold_from_page_to_page(own: httpx.Client, stored: str) -> None:
    wanted: list[str] = []
    for _ in range(6):
        wanted = make(own, stored, "saliency", 1) + wanted
        make(own, stored, "predict", 2)
    assert ids(pages(own, technique="saliency", limit=2)) == wanted
    assert ids(pages(own, technique="saliency", limit=3)) == wanted


def test_more_jobs_than_are_read_at_a_time(own: httpx.Client, stored: str) -> None:
    """The store reads 200 ids at once, and a filter must look beyond them."""
    [oldest] = make(own, stored, "saliency", 1)
    made = make(own, stored, "predict", 205)
    assert ids(pages(own, technique="saliency")) == [oldest]
    assert ids(pages(own, limit=100)) == [*made, oldest]


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "2"},
        {"cursor": ""},
        {"cursor": "F" * 32},
        {"cursor": "f" * 33},
        {"cursor": "eyJpZCI6IDV9"},
        {"cursor": "../../../../../../../etc/passwd"},
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "101"},
        {"limit": "all"},
        {"status": "finished"},
    ],
)
def test_a_cursor_or_filter_that_cannot_be(client: httpx.Client, query: dict[str, str]) -> None:
    [name] = query
    problem = refused(client.get("/v1/jobs", params=query), 422, "invalid_parameters", name)
    assert problem["errors"][0]["pointer"] == f"/{name}"
