"""Identical work is done once: what is identical, what is not, and what the client sees."""

import hashlib

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from catalog.models import ModelDescription
from jobs.lease import claim
from jobs.registries import ModelRegistry
from jobs.store import JobStore
from tests.service.asking import ended, newest_job, store_image
from tests.service.pictures import encoded, photo
from tests.wait import wait_until

FIELDS = {"window": "64", "stride": "32"}


def post(client: httpx.Client, image: bytes, technique: str = "occlusion", **fields: str) -> dict:
    answer = client.post(f"/v1/jobs/{technique}", files={"image": image}, data=fields)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


@pytest.fixture
def known(own: httpx.Client, store: JobStore) -> httpx.Client:
    """Return an API without workers that knows the weights of the default model."""
    described = ModelDescription(
        model="efficientnet_lite0", weights="sha256:w", parameters=1, rectifiers=1, layers=[]
    )
    ModelRegistry(store.redis).describe("efficientnet_lite0", described.model_dump_json())
    return own


@pytest.fixture
def weighed(client: httpx.Client) -> httpx.Client:
    """Return the shared stack once it knows the weights of the default model."""
    wait_until(lambda: client.get("/v1/models/efficientnet_lite0").json()["weights"], 60)
    return client


def test_the_second_is_answered_at_once_with_files_of_its_own(
    weighed: httpx.Client, coffee: bytes
) -> None:
    client, photograph = weighed, encoded(photo(coffee, 211, 140))
    first = ended(client, post(client, photograph, **FIELDS))
    answer = client.post("/v1/jobs/occlusion", files={"image": photograph}, data=FIELDS)
    second = answer.json()
    assert answer.status_code == 200 and answer.headers["location"] == second["urls"]["self"]
    assert (first["cached"], second["cached"], second["attempts"]) == (False, True, 0)
    assert second["id"] != first["id"] and second["params"] == first["params"]
    assert second["provenance"] == first["provenance"]
    assert second["result"]["summary"] == first["result"]["summary"]
    assert client.delete(first["urls"]["self"]).status_code == 204
    for artifact in second["result"]["artifacts"]:
        data = client.get(artifact["url"]).content
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == artifact["sha256"]
    assert client.get(second["urls"]["self"]).json() == second
    families = text_string_to_metric_families(client.get("/metrics").text)
    (cached,) = [family for family in families if family.name == "retinoscope_jobs_cached"]
    assert {sample.labels["technique"] for sample in cached.samples} >= {"occlusion"}


def test_cache_false_computes_again(weighed: httpx.Client, coffee: bytes) -> None:
    client, photograph = weighed, encoded(photo(coffee, 212, 140))
    first = ended(client, post(client, photograph, **FIELDS))
    again = ended(client, post(client, photograph, cache="false", **FIELDS))
    assert not again["cached"] and again["attempts"] == 1
    assert again["result"]["summary"] == first["result"]["summary"]


def test_identical_jobs_run_once_and_end_together(weighed: httpx.Client, coffee: bytes) -> None:
    photograph = encoded(photo(coffee, 213, 140))
    jobs = [post(weighed, photograph, window="32", stride="16") for _ in range(5)]
    jobs = [ended(weighed, job) for job in jobs]
    assert [job["status"] for job in jobs] == ["succeeded"] * 5
    assert sum(not job["cached"] for job in jobs) == 1
    assert len({job["id"] for job in jobs}) == 5
    assert len({str(job["result"]["summary"]) for job in jobs}) == 1


@pytest.mark.parametrize(
    "technique, fields, same",
    [
        ("occlusion", {}, True),
        ("occlusion", {"check": "true"}, False),
        ("occlusion", {"check": "true", "seed": "1"}, True),
        ("saliency", {"samples": "1"}, True),
        ("saliency", {"samples": "2"}, False),
        ("saliency", {"samples": "2", "seed": "1"}, True),
        ("predict", {}, True),
        ("rise", {}, False),
        ("rise", {"seed": "0"}, True),
        ("deep_dream", {"targets": "class:3"}, False),
        ("deep_dream", {"targets": "class:3", "seed": "3"}, True),
        ("fooling", {"goal": "7", "seed": "3"}, True),
        ("fooling", {"goal": "7", "seed": "3", "transfer_model": "efficientnet_lite0"}, False),
    ],
)
def test_work_is_shared_where_no_drawn_seed_could_change_it(
    known: httpx.Client,
    small: bytes,
    store: JobStore,
    technique: str,
    fields: dict[str, str],
    same: bool,
) -> None:
    first, second = (post(known, small, technique, **fields) for _ in range(2))
    assert store.get(first["id"]).follows is None
    assert (store.get(second["id"]).follows == first["id"]) is same
    assert (first["params"] == second["params"]) is (same or "seed" in fields)


def test_other_work_is_not_shared(
    known: httpx.Client, small: bytes, coffee: bytes, store: JobStore
) -> None:
    post(known, small, seed="1", **FIELDS)
    others = [
        post(known, small, seed="2", **FIELDS),
        post(known, small, **FIELDS),
        post(known, small, seed="1", **FIELDS | {"stride": "16"}),
        post(known, small, seed="1", **FIELDS | {"target": "class:3"}),
        post(known, coffee, seed="1", **FIELDS),
    ]
    assert [store.get(job["id"]).follows for job in others] == [None] * 5
    described = ModelDescription(
        model="efficientnet_lite0", weights="sha256:x", parameters=1, rectifiers=1, layers=[]
    )
    ModelRegistry(store.redis).describe("efficientnet_lite0", described.model_dump_json())
    assert store.get(post(known, small, seed="1", **FIELDS)["id"]).follows is None


def test_a_default_that_is_written_out_is_the_same_work(
    known: httpx.Client, small: bytes, store: JobStore
) -> None:
    first = post(known, small)
    stored = store_image(known, small)["id"]
    second = known.post(
        "/v1/jobs/occlusion", json={"image": stored, "window": 32, "target": "top"}
    ).json()
    assert store.get(second["id"]).follows == first["id"]


def test_nothing_is_shared_while_the_weights_are_not_known(
    own: httpx.Client, small: bytes, store: JobStore
) -> None:
    jobs = [post(own, small) for _ in range(2)]
    assert [store.get(job["id"]).follows for job in jobs] == [None, None]


def test_nothing_is_shared_any_more_once_the_weights_are_taken_down(
    known: httpx.Client, small: bytes, store: JobStore
) -> None:
    post(known, small)
    ModelRegistry(store.redis).forget(["efficientnet_lite0"])
    assert store.get(post(known, small)["id"]).work is None


def test_one_that_follows_can_be_canceled(
    known: httpx.Client, small: bytes, store: JobStore
) -> None:
    first, second = (post(known, small) for _ in range(2))
    assert known.post(second["urls"]["cancel"]).json()["status"] == "canceled"
    assert claim(store, first["id"]) is not None
    assert newest_job(known) == second["id"]
