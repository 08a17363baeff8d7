"""Keys whose file is missing or half written: nobody is let in who was not before."""

import logging
from collections.abc import Iterator

import httpx
import pytest
from redis import Redis

from jobs import redis_keys
from jobs.api_keys import KeyRing
from jobs.settings import Settings
from retinoscope.redis_server import free_port
from tests.service.asking import refused
from tests.service.conftest import Serve
from tests.wait import wait_until


@pytest.fixture
def ring(settings: Settings) -> KeyRing:
    return KeyRing(settings.keys_location)


@pytest.fixture
def keyed(ring: KeyRing, own: httpx.Client) -> Iterator[dict[str, str]]:
    """Return the header of a key that the API has seen."""
    headers = {"X-API-Key": ring.create("alice")}
    assert own.get("/v1/jobs", headers=headers).status_code == 200
    yield headers


def closed(client: httpx.Client, **headers: str) -> None:
    for path in ("/v1/jobs", "/v1/techniques"):
        answer = client.get(path, headers=headers)
        refused(answer, 503, "keys_unavailable")
        assert int(answer.headers["retry-after"]) >= 1


def test_a_file_that_vanishes_lets_nobody_in(
    ring: KeyRing, keyed: dict[str, str], own: httpx.Client
) -> None:
    content = ring.path.read_bytes()
    ring.path.unlink()
    closed(own)
    closed(own, **keyed)
    assert own.get("/healthz").status_code == 200
    ring.path.write_bytes(content)
    assert own.get("/v1/jobs", headers=keyed).status_code == 200
    refused(own.get("/v1/jobs"), 401, "unauthorized")


def test_an_api_that_starts_without_the_file_stays_closed(
    ring: KeyRing, keyed: dict[str, str], serve: Serve, settings: Settings
) -> None:
    ring.path.unlink()
    again = serve(settings)
    closed(again)
    closed(again, **keyed)


def test_an_api_beside_it_that_never_had_the_file_closes_too(
    ring: KeyRing, own: httpx.Client, serve: Serve, settings: Settings
) -> None:
    other = serve(settings.model_copy(update={"keys_file": settings.data / "elsewhere.json"}))
    assert other.get("/v1/jobs").status_code == 200
    ring.create("alice")
    refused(own.get("/v1/jobs"), 401, "unauthorized")
    wait_until(lambda: other.get("/v1/jobs").status_code == 503)
    closed(other)


def test_redis_is_told_as_soon_as_it_answers(
    ring: KeyRing, serve: Serve, settings: Settings, redis: Redis
) -> None:
    """Without Redis nothing can be marked, and the file alone decides."""
    away = serve(settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"}))
    ring.create("alice")
    refused(away.get("/v1/techniques"), 401, "unauthorized")
    ring.path.unlink()
    closed(away)


@pytest.mark.parametrize("half", [b"", b"{", b'{"keys": [{"id": "rsk', b"\xff", b"[]"])
def test_a_half_written_file_leaves_the_keys_as_they_were(
    ring: KeyRing, keyed: dict[str, str], own: httpx.Client, half: bytes
) -> None:
    ring.path.write_bytes(half)
    assert own.get("/v1/jobs", headers=keyed).status_code == 200
    refused(own.get("/v1/jobs"), 401, "unauthorized")


def test_an_api_that_knows_no_good_file_answers_503_without_a_traceback(
    ring: KeyRing, serve: Serve, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    ring.path.write_bytes(b"{")
    own = serve(settings)
    with caplog.at_level(logging.WARNING):
        closed(own, **{"X-API-Key": "rsk_any"})
        assert own.get("/healthz").status_code == 200
    assert not any(record.exc_info for record in caplog.records)
    told = [record for record in caplog.records if "keys.json" in record.getMessage()]
    assert len(told) == 1
    key = KeyRing(settings.keys_location)
    ring.path.unlink()
    refused(
        own.get("/v1/jobs", headers={"X-API-Key": key.create("alice")[:-1]}), 401, "unauthorized"
    )


def test_keys_are_removed_on_purpose(
    ring: KeyRing,
    keyed: dict[str, str],
    own: httpx.Client,
    serve: Serve,
    settings: Settings,
    redis: Redis,
) -> None:
    assert redis.ttl(redis_keys.KEYS_SEEN) > 86_400
    ring.remove_all()
    assert own.get("/v1/jobs").status_code == 200
    assert not redis.exists(redis_keys.KEYS_SEEN)
    ring.path.unlink()
    assert own.get("/v1/jobs").status_code == 200
    assert serve(settings).get("/v1/jobs").status_code == 200
    ring.create("bob")
    refused(own.get("/v1/jobs"), 401, "unauthorized")


def test_what_this_version_does_not_know_stays_in_the_file(ring: KeyRing) -> None:
    ring.create("alice")
    text = ring.path.read_text().replace("{", '{"owners": {"alice": {"weight": 3}},', 1)
    ring.path.write_text(text)
    ring.create("bob")
    assert '"weight": 3' in ring.path.read_text()
    assert [key.owner for key in ring.all()] == ["alice", "bob"]
