"""Without Redis the API says so soon, accepts nothing, and stays alive."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest
from redis import Redis

from jobs.api_keys import KeyRing
from jobs.settings import Settings
from retinoscope.redis_server import free_port
from service.key_guard import KeyGuard
from tests.service.asking import refused
from tests.service.conftest import Serve

# Far below any client's timeout; the response takes a tenth of a second.
SOON_S = 10


@pytest.fixture
def unknowing(serve: Serve, settings: Settings) -> httpx.Client:
    """Return a client of an API whose Redis does not run, and which knows of no keys."""
    return serve(settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"}))


@pytest.fixture
def orphan(unknowing: httpx.Client, settings: Settings) -> httpx.Client:
    """Return a client of an API whose Redis does not run, and whose file says: no keys."""
    KeyRing(settings.keys_location).remove_all()
    return unknowing


def unavailable(answer: httpx.Response) -> None:
    refused(answer, 503, "store_unavailable", "Redis", "again")
    assert int(answer.headers["retry-after"]) >= 1


def test_no_job_is_accepted(orphan: httpx.Client, small: bytes) -> None:
    began = time.monotonic()
    unavailable(orphan.post("/v1/jobs/predict", files={"image": small}))
    unavailable(
        orphan.post("/v1/jobs/saliency", files={"image": small}, data={"target": "conv_stem:3"})
    )
    unavailable(
        orphan.post("/v1/jobs/predict", files={"image": small}, headers={"Prefer": "wait=60"})
    )
    assert time.monotonic() - began < SOON_S


def test_what_was_refused_leaves_no_file(
    orphan: httpx.Client, small: bytes, settings: Settings
) -> None:
    """A file without a record would stay forever.

    No record would say when it expires, so Redis must be asked before the file is stored.
    """
    unavailable(orphan.post("/v1/jobs/predict", files={"image": small}))
    unavailable(orphan.post("/v1/images", files={"image": small}))
    assert files(settings.data) == []


def test_a_bad_request_is_still_a_bad_request(orphan: httpx.Client, small: bytes) -> None:
    refused(orphan.post("/v1/jobs/predict", files={"image": b"no picture"}), 422, "not_an_image")
    refused(
        orphan.post("/v1/jobs/predict", files={"image": small}, data={"top_k": "0"}),
        422,
        "invalid_parameters",
    )
    refused(orphan.post("/v1/jobs/predikt", files={"image": small}), 404, "unknown_technique")


def test_what_needs_redis_says_so(orphan: httpx.Client) -> None:
    for path in (
        "/v1/jobs",
        f"/v1/jobs/{'0' * 32}",
        f"/v1/images/sha256:{'0' * 64}",
        "/v1/models",
        "/metrics",
    ):
        unavailable(orphan.get(path))


def test_what_needs_no_redis_is_answered(orphan: httpx.Client) -> None:
    for path in ("/healthz", "/v1/techniques", "/openapi.json", "/docs"):
        assert orphan.get(path).status_code == 200


def test_nobody_is_let_in_while_only_redis_knows_whether_there_were_keys(
    unknowing: httpx.Client, small: bytes, settings: Settings
) -> None:
    for path in ("/v1/techniques", "/v1/usage", "/v1/jobs", "/v1/models"):
        unavailable(unknowing.get(path))
    for image in (small, b"no picture"):
        unavailable(unknowing.post("/v1/jobs/predict", files={"image": image}))
        unavailable(unknowing.post("/v1/images", files={"image": image}))
    for path in ("/healthz", "/openapi.json", "/docs"):
        assert unknowing.get(path).status_code == 200
    assert unknowing.get("/readyz").json()["status"] == "unavailable"
    assert files(settings.data) == []
    key = {"X-API-Key": KeyRing(settings.keys_location).create("alice")}
    assert unknowing.get("/v1/techniques", headers=key).status_code == 200
    refused(unknowing.get("/v1/techniques"), 401, "unauthorized")


def test_what_was_known_holds_while_redis_is_away(redis: Redis, tmp_path: Path) -> None:
    """A server without keys goes on: its own mark said that there were none."""

    async def ask() -> list[bool]:
        guard = KeyGuard(KeyRing(tmp_path / "keys.json"), redis)
        answers = [await guard.required()]
        guard._redis = Redis(port=free_port())
        guard._look_again_s = 0
        return [*answers, await guard.required()]

    assert asyncio.run(ask()) == [False, False]


def test_it_is_alive_but_not_ready(orphan: httpx.Client) -> None:
    answer = orphan.get("/readyz")
    state = answer.json()
    assert (answer.status_code, state["status"], state["artifacts"]) == (503, "unavailable", "ok")
    assert state["redis"].startswith("unreachable")
    assert "127.0.0.1" not in answer.text


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "keys.json"]
