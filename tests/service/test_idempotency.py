"""One job per key, however often and however concurrently the request is sent."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest
from redis import Redis

from catalog.registry import find_technique
from jobs.api_keys import KeyRing
from jobs.idempotency import IdempotencyKeys, Reservation
from jobs.settings import Settings
from service.idempotency import fingerprint
from service.job_request import SentJobRequest, parse
from tests.service.asking import ended, newest_job, pages, refused, store_image
from tests.service.conftest import Serve

GRID = {"window": "64", "stride": "32"}


def post(client: httpx.Client, image: bytes, key: str, **fields: str) -> httpx.Response:
    return client.post(
        "/v1/jobs/occlusion",
        files={"image": image},
        data=GRID | fields,
        headers={"Idempotency-Key": key},
    )


def made(answer: httpx.Response) -> dict:
    assert answer.status_code == 202, answer.text
    assert "idempotency-replayed" not in answer.headers
    return answer.json()


def replayed(answer: httpx.Response) -> dict:
    assert answer.status_code in (200, 202), answer.text
    assert answer.headers["idempotency-replayed"] == "true"
    assert answer.headers["location"] == answer.json()["urls"]["self"]
    return answer.json()


def test_the_same_request_gives_the_same_job(own: httpx.Client, small: bytes) -> None:
    first = made(post(own, small, "k1"))
    assert replayed(post(own, small, "k1")) == first
    assert made(post(own, small, "k2"))["id"] != first["id"]
    assert len(pages(own)) == 2


def test_form_and_json_file_and_reference_are_the_same_request(
    own: httpx.Client, small: bytes
) -> None:
    first = made(post(own, small, "k"))
    body = {"image": store_image(own, small)["id"], "window": 64, "stride": 32}
    assert (
        replayed(own.post("/v1/jobs/occlusion", json=body, headers={"Idempotency-Key": '"k"'}))
        == first
    )


def test_another_request_with_the_key_is_refused(
    own: httpx.Client, small: bytes, coffee: bytes
) -> None:
    first = made(post(own, small, "k"))
    others = [
        post(own, small, "k", stride="16"),
        post(own, small, "k", seed="1"),
        post(own, coffee, "k"),
        own.post("/v1/jobs/saliency", files={"image": small}, headers={"Idempotency-Key": "k"}),
        own.post(
            "/v1/models/efficientnet_lite0/predict",
            files={"image": small},
            headers={"Idempotency-Key": "k"},
        ),
    ]
    for answer in others:
        refused(answer, 422, "idempotency_key_reused", "new key")
    assert newest_job(own) == first["id"]


def test_of_fifty_at_once_one_makes_the_job(own: httpx.Client, small: bytes) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: post(own, small, "k"), range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == len(pages(own)) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1


def test_the_job_is_given_as_it_is_now_and_can_be_waited_for(
    client: httpx.Client, small: bytes
) -> None:
    headers = {"Idempotency-Key": "as it is now", "Prefer": "wait=60"}
    address = "/v1/models/efficientnet_lite0/predict"
    first = client.post(
        address,
        files={"image": small},
        headers={"Idempotency-Key": "as it is now", "Prefer": "wait=0"},
    )
    again = client.post(address, files={"image": small}, headers=headers)
    job = replayed(again)
    assert again.status_code == 200 and again.headers["preference-applied"] == "wait=60"
    assert job == ended(client, first.json()) and job["status"] == "succeeded"


def test_a_refused_request_frees_the_key(own: httpx.Client, small: bytes, redis: Redis) -> None:
    for image, fields in (
        (b"no picture", {}),
        (small, {"target": "class:9999"}),
        (small, {"stride": "0"}),
    ):
        assert post(own, image, "k", **fields).status_code == 422
    assert list(redis.scan_iter("*:key:*")) == []
    made(post(own, small, "k"))


def test_a_full_queue_frees_the_key(serve: Serve, settings: Settings, small: bytes) -> None:
    client = serve(settings.model_copy(update={"max_queued": 1}))
    first = made(post(client, small, "k1"))
    refused(post(client, small, "k2"), 503, "queue_full")
    client.post(first["urls"]["cancel"])
    made(post(client, small, "k2"))


def test_a_deleted_job_frees_the_key(own: httpx.Client, small: bytes) -> None:
    first = made(post(own, small, "k"))
    assert own.delete(first["urls"]["self"]).status_code == 204
    assert made(post(own, small, "k", seed="3"))["id"] != first["id"]


def test_keys_are_each_owners_own(serve: Serve, settings: Settings, small: bytes) -> None:
    client = serve(settings)
    ring = KeyRing(settings.keys_location)
    jobs = []
    for name in ("ada", "bob"):
        headers = {"X-API-Key": ring.create(name), "Idempotency-Key": "k"}
        jobs.append(made(client.post("/v1/jobs/predict", files={"image": small}, headers=headers)))
    assert jobs[0]["id"] != jobs[1]["id"]


@pytest.mark.parametrize(
    "key", ["", '""', "ü".encode().decode("latin1"), "a\tb", '"open', '"a"b"', "x" * 256]
)
def test_a_key_that_is_none_is_refused(own: httpx.Client, small: bytes, key: str) -> None:
    answer = own.post(
        "/v1/jobs/predict",
        files={"image": small},
        headers={b"Idempotency-Key": key.encode("latin1")},
    )
    refused(answer, 400, "invalid_idempotency_key", "255")


@pytest.mark.parametrize(
    "one, other", [("a b", '"a b"'), ('"a\\"b\\\\"', 'a"b\\'), ("x" * 255, '"' + "x" * 255 + '"')]
)
def test_quoted_and_bare_are_the_same_key(
    own: httpx.Client, small: bytes, one: str, other: str
) -> None:
    first = made(post(own, small, one))
    assert replayed(post(own, small, other)) == first


def reserved(redis: Redis, image: bytes, life_ms: int) -> Reservation:
    """Reserve the key as a request does that is still being read."""
    sent = SentJobRequest("local", find_technique("occlusion"), GRID, {"image": image})
    reservation = Reservation.of("local", "k", fingerprint(parse(sent)))
    assert IdempotencyKeys(redis).reserve(reservation) == "reserved"
    redis.pexpire(reservation.name, life_ms)
    return reservation


def test_while_the_first_is_being_read_the_second_is_told_to_come_again(
    own: httpx.Client, small: bytes, redis: Redis
) -> None:
    reservation = reserved(redis, small, 60_000)
    answer = post(own, small, "k")
    refused(answer, 409, "idempotency_in_progress", "again")
    assert int(answer.headers["retry-after"]) >= 1
    refused(post(own, small, "k", seed="1"), 422, "idempotency_key_reused")
    IdempotencyKeys(redis).release(reservation)
    made(post(own, small, "k"))


def test_a_key_whose_api_died_is_free_soon(own: httpx.Client, small: bytes, redis: Redis) -> None:
    reserved(redis, small, 300)
    made(post(own, small, "k"))


def test_every_reservation_and_every_key_expires(
    own: httpx.Client, small: bytes, redis: Redis
) -> None:
    reservation = reserved(redis, small, 60_000)
    assert redis.ttl(reservation.name) > 0
    IdempotencyKeys(redis).release(replace(reservation, token="another"))
    assert redis.exists(reservation.name)
    IdempotencyKeys(redis).release(reservation)
    job = made(post(own, small, "k"))
    assert redis.hget(reservation.name, "job") == job["id"]
    assert 86_000 < redis.ttl(reservation.name) <= 86_400
