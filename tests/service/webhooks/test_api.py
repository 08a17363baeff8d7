"""Webhooks as a client sees them: the option, the secret, the test call, deliveries, replays."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from jobs.api_keys import KeyRing
from jobs.settings import Settings
from jobs.store import JobStore
from tests.service.asking import newest_job, queue, refused
from tests.service.conftest import Serve, watchful
from tests.service.webhooks.delivering import delivering
from tests.service.webhooks.receiver import receiving
from tests.wait import wait_until

URL = "https://hooks.example.com/a"
Owners = tuple[httpx.Client, httpx.Client]


@pytest.fixture
def owners(serve: Serve, settings: Settings) -> Iterator[Owners]:
    """Return the clients of Ada and Bob for one API."""
    ring = KeyRing(settings.keys_location)
    keys = ring.create("ada"), ring.create("bob")
    address = str(serve(settings).base_url)
    ada, bob = (watchful(address, **{"X-API-Key": key}) for key in keys)
    with ada, bob:
        yield ada, bob


def deliveries(client: httpx.Client, job: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(f"/v1/jobs/{job['id']}/deliveries").json()["items"]
    return items


def test_a_form_and_json_ask_for_a_webhook_and_get_it(
    own: httpx.Client, settings: Settings, small: bytes
) -> None:
    secret = own.get("/v1/webhooks/secret").json()["secret"]
    with receiving() as receiver, delivering(settings):
        form = queue(own, "predict", small, webhook=receiver.url)
        json = queue(own, "predict", form["inputs"]["image"]["id"], webhook=receiver.url)
        for job in (form, json):
            assert deliveries(own, job) == []
            own.post(job["urls"]["cancel"])
        wait_until(lambda: len(receiver.received) == 2)
        wait_until(lambda: deliveries(own, json)[0]["state"] == "delivered")
    told = {received.verified(secret)["data"]["id"] for received in receiver.received}
    assert told == {form["id"], json["id"]}
    assert deliveries(own, json) == [
        {
            "id": f"msg_{json['id']}_canceled",
            "event": "job.canceled",
            "state": "delivered",
            "attempts": 1,
            "status_code": 204,
            "next_at": None,
        }
    ]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example.com/", "https://"),
        ("https://hooks.example.com:8443/", "port 443"),
        ("https://user:pass@hooks.example.com/", "user name"),
        ("https://169.254.169.254/latest", "number"),
        ("https://redis/", "full name"),
        ("hooks.example.com", "https://"),
        ("https://hooks.example.com/\n", "control"),
    ],
)
def test_an_address_that_is_refused_creates_no_job(
    own: httpx.Client, small: bytes, url: str, words: str
) -> None:
    answer = own.post("/v1/jobs/predict", files={"image": small}, data={"webhook": url})
    problem = refused(answer, 422, "webhook_refused", words)
    assert problem["errors"][0]["pointer"] == "/webhook"
    refused(own.post("/v1/webhooks/test", json={"url": url}), 422, "webhook_refused", words)
    assert newest_job(own) is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"webhook": "https://example.com/" + "a" * 2000}, "2000"),
        ({"webhook": URL, "webhook_events": "job.done"}, "job.started"),
        ({"webhook": URL, "webhook_events": "job.succeeded,,job.failed"}, "job.started"),
        ({"webhook_events": "job.started"}, "without webhook"),
        ({"webhook": 7}, "text"),
        ({"webhook": URL, "webhook_events": ["job.failed"]}, "text"),
    ],
)
def test_other_mistakes_are_named(
    own: httpx.Client, small: bytes, fields: dict[str, Any], words: str
) -> None:
    answer = own.post("/v1/jobs/predict", json={"image": "sha256:0", **fields})
    refused(answer, 422, "invalid_parameters", words)


def test_the_events_are_those_that_were_asked_for(
    own: httpx.Client, store: JobStore, small: bytes
) -> None:
    job = queue(own, "predict", small, webhook=URL, webhook_events=" job.canceled, job.started")
    record = store.redis.hgetall(f"retinoscope:job:{job['id']}")
    assert record["webhook_events"] == "job.started,job.canceled"
    own.post(job["urls"]["cancel"])
    assert [item["event"] for item in deliveries(own, job)] == ["job.canceled"]
    assert deliveries(own, job)[0]["state"] == "waiting" and deliveries(own, job)[0]["next_at"]


def test_the_same_key_with_another_webhook_is_another_request(
    own: httpx.Client, small: bytes
) -> None:
    headers = {"Idempotency-Key": "a"}

    def post(**data: str) -> httpx.Response:
        return own.post("/v1/jobs/predict", files={"image": small}, data=data, headers=headers)

    first = post(webhook=URL)
    assert post(webhook=URL).json()["id"] == first.json()["id"]
    refused(post(webhook=f"{URL}/b"), 422, "idempotency_key_reused")


def test_a_secret_is_rotated(own: httpx.Client) -> None:
    answer = own.get("/v1/webhooks/secret")
    first = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert first["secret"].startswith("whsec_") and first["previous_until"] is None
    rotated = own.post("/v1/webhooks/secret/rotate").json()
    assert rotated["secret"] != first["secret"] and rotated["previous_until"]
    assert own.get("/v1/webhooks/secret").json() == rotated


def test_a_receiver_is_tried(own: httpx.Client) -> None:
    secret = own.get("/v1/webhooks/secret").json()["secret"]
    with receiving(204, 500) as receiver:
        answers = [own.post("/v1/webhooks/test", json={"url": receiver.url}) for _ in range(2)]
    assert [answer.json()["status_code"] for answer in answers] == [204, 500]
    assert all(answer.json()["seconds"] >= 0 for answer in answers)
    first, second = receiver.received
    assert first.verified(secret)["type"] == "webhook.test" and first.id != second.id
    nobody = own.post("/v1/webhooks/test", data={"url": receiver.url}, files={"a": b""})
    refused(nobody, 422, "invalid_parameters")
    nobody = own.post("/v1/webhooks/test", json={"url": receiver.url})
    assert (nobody.status_code, nobody.json()["status_code"]) == (200, None)


@pytest.mark.parametrize("body", [{}, {"url": 7}, {"url": "https://a.example/", "x": 1}, []])
def test_a_test_without_an_address_is_refused(own: httpx.Client, body: object) -> None:
    assert own.post("/v1/webhooks/test", json=body).status_code in (400, 422)


def test_a_delivery_is_replayed(own: httpx.Client, settings: Settings, small: bytes) -> None:
    with receiving(410) as receiver, delivering(settings):
        job = queue(own, "predict", small, webhook=receiver.url)
        own.post(job["urls"]["cancel"])
        wait_until(lambda: deliveries(own, job)[0]["state"] == "failed")
        delivery = deliveries(own, job)[0]["id"]
        address = f"/v1/jobs/{job['id']}/deliveries"
        again = own.post(f"{address}/{delivery}/replay")
        assert (again.status_code, again.json()["state"]) == (202, "waiting")
        wait_until(lambda: deliveries(own, job)[0]["state"] == "delivered")
    assert [received.id for received in receiver.received] == [delivery] * 2
    for other in (f"msg_{job['id']}_failed", f"msg_{'0' * 32}_canceled", "*"):
        refused(own.post(f"{address}/{other}/replay"), 404, "delivery_not_found", address)


def test_nothing_of_another_owner_is_seen(owners: Owners, small: bytes) -> None:
    ada, bob = owners
    job = queue(ada, "predict", small, webhook=URL)
    ada.post(job["urls"]["cancel"])
    (delivery,) = deliveries(ada, job)
    address = f"/v1/jobs/{job['id']}/deliveries"
    refused(bob.get(address), 404, "job_not_found")
    refused(bob.post(f"{address}/{delivery['id']}/replay"), 404, "job_not_found")
    own = queue(bob, "predict", small, webhook=URL)
    foreign = f"/v1/jobs/{own['id']}/deliveries/{delivery['id']}/replay"
    refused(bob.post(foreign), 404, "delivery_not_found")
    secrets = [client.get("/v1/webhooks/secret").json()["secret"] for client in owners]
    assert secrets[0] != secrets[1]
    bob.post("/v1/webhooks/secret/rotate")
    assert ada.get("/v1/webhooks/secret").json() == {"secret": secrets[0], "previous_until": None}


def test_with_keys_this_machine_is_refused(owners: Owners, small: bytes) -> None:
    ada, _ = owners
    with receiving() as receiver:
        for url in (receiver.url, "http://localhost:6379/", "https://[::1]/"):
            answer = ada.post("/v1/jobs/predict", files={"image": small}, data={"webhook": url})
            refused(answer, 422, "webhook_refused", "itself")
            refused(ada.post("/v1/webhooks/test", json={"url": url}), 422, "webhook_refused")
    assert receiver.received == []


def test_a_list_of_hosts_and_http_are_settings(
    serve: Serve, settings: Settings, small: bytes
) -> None:
    config = settings.model_copy(update={"webhook_hosts": [".example.com"], "webhook_http": True})
    client = serve(config)
    assert queue(client, "predict", small, webhook="http://a.example.com/")
    answer = client.post(
        "/v1/jobs/predict", files={"image": small}, data={"webhook": "https://example.org/"}
    )
    refused(answer, 422, "webhook_refused", "does not allow")
