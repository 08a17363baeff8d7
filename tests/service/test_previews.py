"""Previews: named in the job, downloaded by their address, gone once there is a result."""

import io
from collections.abc import Callable

import httpx
import pytest
from PIL import Image

from jobs.api_keys import KeyRing
from jobs.artifacts import ArtifactStore
from jobs.lease import Lease, claim
from jobs.scratch import Scratch
from jobs.settings import Settings
from jobs.store import JobStore
from tests.service.asking import queue, refused
from tests.service.listening import listening
from tests.tiny import photo
from workers.job_context import JobContext

Begun = Callable[[], tuple[dict, Lease]]


@pytest.fixture
def files(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.artifacts_location)


def begun(own: httpx.Client, store: JobStore, small: bytes) -> tuple[dict, Lease]:
    job = queue(own, "predict", small)
    lease = claim(store, job["id"])
    assert lease is not None
    return job, lease


def test_a_preview_is_told_named_and_fetched(
    own: httpx.Client, store: JobStore, small: bytes, files: ArtifactStore
) -> None:
    job, lease = begun(own, store, small)
    assert own.get(job["urls"]["self"]).json()["preview"] is None
    with listening(own, job) as events:
        next(events)
        JobContext(lease, files, {}, lambda: False).preview(photo(1024, 512), 64)
        told = next(events)
    named = own.get(job["urls"]["self"]).json()["preview"]
    assert (
        (told.kind, told.data)
        == ("preview", named)
        == ("preview", {"url": f"/v1/jobs/{job['id']}/preview", "step": 64})
    )
    with listening(own, job) as again:
        assert [next(again).kind, next(again)] == ["state", told]
    answer = own.get(named["url"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["cache-control"] == "no-store"
    assert Image.open(io.BytesIO(answer.content)).size == (512, 256)
    lease.cancel()


def test_the_etag_changes_with_the_step(
    own: httpx.Client, store: JobStore, small: bytes, files: ArtifactStore
) -> None:
    job, lease = begun(own, store, small)
    url, previews = f"{job['urls']['self']}/preview", Scratch(lease, files, "preview")
    previews.replace(b"one", 1)
    first = own.get(url)
    assert own.get(url, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    previews.replace(b"two", 2)
    second = own.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (first.content, second.status_code, second.content) == (b"one", 200, b"two")
    assert len(files.keys(f"jobs/{job['id']}")) == 1


def test_there_is_none_before_the_first_and_after_the_result(
    own: httpx.Client, store: JobStore, small: bytes, files: ArtifactStore
) -> None:
    job, lease = begun(own, store, small)
    url = f"{job['urls']['self']}/preview"
    refused(own.get(url), 404, "preview_not_found", "no preview yet")
    Scratch(lease, files, "preview").replace(b"one", 1)
    assert own.get(url).status_code == 200
    lease.succeed({"predictions": []}, [], {})
    refused(own.get(url), 404, "preview_not_found", "artifacts")
    assert own.get(job["urls"]["self"]).json()["preview"] is None


def test_a_canceled_job_keeps_its_last_one_until_it_is_deleted(
    own: httpx.Client, store: JobStore, small: bytes, files: ArtifactStore
) -> None:
    job, lease = begun(own, store, small)
    Scratch(lease, files, "preview").replace(b"last", 9)
    lease.cancel()
    preview = own.get(job["urls"]["self"]).json()["preview"]
    assert (preview["step"], own.get(preview["url"]).content) == (9, b"last")
    assert own.delete(job["urls"]["self"]).status_code == 204
    assert files.keys(f"jobs/{job['id']}") == []


def test_anothers_preview_is_not_there(
    serve, settings: Settings, store: JobStore, small: bytes, files: ArtifactStore
) -> None:
    ring = KeyRing(settings.keys_location)
    own = serve(settings)
    alice, bob = ring.create("alice"), ring.create("bob")
    own.headers["X-API-Key"] = alice
    job, lease = begun(own, store, small)
    Scratch(lease, files, "preview").replace(b"hers", 1)
    assert own.get(f"{job['urls']['self']}/preview").content == b"hers"
    own.headers["X-API-Key"] = bob
    refused(own.get(f"{job['urls']['self']}/preview"), 404, "job_not_found")
