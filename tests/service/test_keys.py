"""API keys: every request needs a valid one."""

import httpx
import pytest

from jobs.api_keys import KeyRing
from jobs.settings import Settings
from tests.service.asking import refused
from tests.service.test_query import CALLS

NOBODY, NOTHING = "0" * 32, f"sha256:{'0' * 64}"
PRIVATE = [
    ("GET", "/v1/jobs"),
    ("GET", "/v1/usage"),
    ("GET", f"/v1/jobs/{NOBODY}"),
    ("DELETE", f"/v1/jobs/{NOBODY}"),
    ("POST", f"/v1/jobs/{NOBODY}/cancel"),
    ("GET", f"/v1/jobs/{NOBODY}/artifacts/values.npy"),
    ("POST", "/v1/jobs/predict"),
    ("POST", "/v1/images"),
    ("GET", f"/v1/images/{NOTHING}"),
    ("GET", f"/v1/images/{NOTHING}/content"),
    ("POST", "/v1/models/efficientnet_lite0/predict"),
]
MENU = [
    "/v1/techniques",
    "/v1/techniques/saliency",
    "/v1/models",
    "/v1/models/efficientnet_lite0",
    "/v1/models/efficientnet_lite0/classes",
]


@pytest.fixture
def ring(settings: Settings) -> KeyRing:
    return KeyRing(settings.keys_location)


@pytest.fixture
def key(ring: KeyRing) -> str:
    return ring.create("alice")


def test_without_a_key_nobody_is_served(key: str, own: httpx.Client) -> None:
    for method, path in PRIVATE:
        answer = own.request(method, path)
        refused(answer, 401, "unauthorized", "Authorization: Bearer", "X-API-Key")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_menu_wants_a_key_too(key: str, own: httpx.Client) -> None:
    """docs/api.md: with keys, every call under /v1 needs one."""
    for path in MENU:
        refused(own.get(path), 401, "unauthorized")


def test_the_key_comes_before_every_other_check(key: str, own: httpx.Client) -> None:
    """A stranger must not learn from a refusal what a call knows."""
    for method, address in CALLS:
        health = address in ("/healthz", "/readyz", "/metrics") or "/health/" in address
        for faults in (
            {"params": {"nope": "1"}},
            {"params": {"limit": "x"}},
            {"headers": {"Content-Encoding": "gzip"}},
            {"content": b"{", "headers": {"Content-Type": "application/json"}},
        ):
            answer = own.request(method, address, **faults)
            assert (answer.status_code == 401) is not health, (method, address, faults)
    refused(own.post("/v1/jobs/predikt"), 401, "unauthorized")


def test_with_a_key_the_other_checks_follow(key: str, own: httpx.Client) -> None:
    answer = own.get("/v1/jobs", params={"nope": "1"}, headers={"X-API-Key": key})
    refused(answer, 422, "invalid_parameters", "'nope'")


def test_layers_are_not_described_for_strangers(key: str, own: httpx.Client) -> None:
    """Every new request of this kind makes a worker build the model."""
    refused(own.get("/v1/models/vit_h_14/layers", timeout=2), 401, "unauthorized")


def test_two_keys_are_no_key_unless_they_are_the_same(key: str, own: httpx.Client) -> None:
    for header, bearer in ((key, "rsk_other"), ("rsk_other", key)):
        answer = own.get(
            "/v1/jobs", headers={"X-API-Key": header, "Authorization": f"Bearer {bearer}"}
        )
        refused(answer, 401, "unauthorized", "two keys")
    both = {"X-API-Key": key, "Authorization": f"Bearer {key}"}
    assert own.get("/v1/jobs", headers=both).status_code == 200


def test_a_wrong_key_is_no_key(key: str, own: httpx.Client) -> None:
    for header, value in (
        ("Authorization", "Bearer rsk_wrong"),
        ("Authorization", "Bearer"),
        ("Authorization", "Basic YWxpY2U6c2VjcmV0"),
        ("Authorization", key),
        ("X-API-Key", "rsk_wrong"),
        ("X-API-Key", ""),
        ("X-API-Key", "é"),
        ("Cookie", f"key={key}"),
    ):
        refused(own.get("/v1/jobs", headers={header: value.encode()}), 401, "unauthorized")


def test_a_key_is_not_shortened_and_not_guessed_from_its_id_or_hash(
    ring: KeyRing, key: str, own: httpx.Client
) -> None:
    [stored] = ring.all()
    for wrong in (key[:-1], key + "x", key.upper(), stored.id, stored.hash, stored.owner):
        refused(own.get("/v1/jobs", headers={"X-API-Key": wrong}), 401, "unauthorized")


def test_both_ways_to_send_a_key(key: str, own: httpx.Client) -> None:
    for headers in (
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"bearer {key}"},
        {"X-API-Key": key},
    ):
        assert own.get("/v1/jobs", headers=headers).status_code == 200


def test_a_revoked_key_stops_at_once(ring: KeyRing, key: str, own: httpx.Client) -> None:
    other = ring.create("alice")
    assert own.get("/v1/jobs", headers={"X-API-Key": key}).status_code == 200
    assert ring.revoke(key[:12])
    refused(own.get("/v1/jobs", headers={"X-API-Key": key}), 401, "unauthorized")
    assert own.get("/v1/jobs", headers={"X-API-Key": other}).status_code == 200


def test_the_last_key_revoked_does_not_open_the_door(
    ring: KeyRing, key: str, own: httpx.Client
) -> None:
    ring.revoke(key[:12])
    refused(own.get("/v1/jobs"), 401, "unauthorized")


def test_a_new_key_works_at_once(ring: KeyRing, key: str, own: httpx.Client) -> None:
    own.get("/v1/jobs", headers={"X-API-Key": key})
    assert own.get("/v1/jobs", headers={"X-API-Key": ring.create("bob")}).status_code == 200


def test_the_first_key_closes_a_server_that_runs(ring: KeyRing, own: httpx.Client) -> None:
    assert own.get("/v1/jobs").status_code == 200
    ring.create("alice")
    refused(own.get("/v1/jobs"), 401, "unauthorized")


def test_health_needs_no_key(key: str, own: httpx.Client) -> None:
    assert own.get("/healthz").status_code == own.get("/readyz").status_code == 200


def test_with_a_key_other_hosts_and_origins_are_welcome(key: str, own: httpx.Client) -> None:
    headers = {"X-API-Key": key, "Host": "api.example.com", "Origin": "https://example.com"}
    assert own.get("/v1/jobs", headers=headers).status_code == 200


def test_a_key_is_never_said_again(ring: KeyRing, key: str, own: httpx.Client) -> None:
    assert key not in ring.path.read_text()
    assert ring.path.stat().st_mode & 0o077 == 0
    assert key not in own.get("/v1/jobs", headers={"Authorization": f"Bearer {key}x"}).text
