"""Two owners on one server: neither sees, uses or changes what belongs to the other."""

from collections.abc import Iterator

import httpx
import pytest

from jobs.api_keys import KeyRing
from jobs.artifacts import ArtifactStore
from jobs.lease import claim
from jobs.model import Artifact
from jobs.settings import Settings
from jobs.store import JobStore
from tests.service.asking import pages, queue, refused, store_image
from tests.service.conftest import Serve, watchful


@pytest.fixture
def owners(serve: Serve, settings: Settings) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Return the clients of Alice and Bob for one API."""
    ring = KeyRing(settings.keys_location)
    keys = ring.create("alice"), ring.create("bob")
    address = str(serve(settings).base_url)
    alice, bob = (watchful(address, **{"X-API-Key": key}) for key in keys)
    with alice, bob:
        yield alice, bob


def finish(job: dict, store: JobStore, settings: Settings) -> str:
    """End the job as a worker does, with a file; return the file's address."""
    lease = claim(store, job["id"])
    assert lease is not None
    ArtifactStore(settings.artifacts_location).put(f"{lease.folder}/secret.txt", b"alice's")
    key = f"{lease.folder}/secret.txt"
    lease.succeed(
        {}, [Artifact(name="secret.txt", media_type="text/plain", bytes=7, sha256="x", key=key)], {}
    )
    return f"{job['urls']['self']}/artifacts/secret.txt"


def test_a_job_of_another_is_not_there(
    owners: tuple[httpx.Client, httpx.Client], small: bytes
) -> None:
    alice, bob = owners
    job = queue(alice, "predict", small)
    refused(bob.get(job["urls"]["self"]), 404, "job_not_found")
    refused(bob.post(job["urls"]["cancel"]), 404, "job_not_found")
    refused(bob.delete(job["urls"]["self"]), 404, "job_not_found")
    assert alice.get(job["urls"]["self"]).json() == job


def test_a_foreign_job_and_no_job_look_the_same(
    owners: tuple[httpx.Client, httpx.Client], small: bytes
) -> None:
    alice, bob = owners
    job = queue(alice, "predict", small)["id"]
    for rest in ("", "/artifacts/values.npy", "/artifacts.zip", ":events"):
        theirs, nobodys = bob.get(f"/v1/jobs/{job}{rest}"), bob.get(f"/v1/jobs/{'0' * 32}{rest}")
        assert (theirs.status_code, theirs.json()) == (nobodys.status_code, nobodys.json())


def test_a_list_holds_what_is_ones_own(
    owners: tuple[httpx.Client, httpx.Client], small: bytes
) -> None:
    alice, bob = owners
    hers = {queue(alice, "predict", small)["id"] for _ in range(3)}
    his = {queue(bob, "predict", small)["id"]}
    assert {item["id"] for item in pages(alice, limit=2)} == hers
    assert {item["id"] for item in pages(bob)} == his


def test_a_foreign_cursor_shows_nothing_foreign(
    owners: tuple[httpx.Client, httpx.Client], small: bytes
) -> None:
    alice, bob = owners
    before = queue(bob, "predict", small)["id"]
    cursor = queue(alice, "predict", small)["id"]
    queue(bob, "predict", small)
    page = bob.get("/v1/jobs", params={"cursor": cursor}).json()
    assert [item["id"] for item in page["items"]] == [before]


def test_a_file_of_another_is_not_there(
    owners: tuple[httpx.Client, httpx.Client], small: bytes, store: JobStore, settings: Settings
) -> None:
    alice, bob = owners
    address = finish(queue(alice, "predict", small), store, settings)
    assert alice.get(address).content == b"alice's"
    refused(bob.get(address), 404, "job_not_found")
    assert bob.head(address).status_code == 404


def test_an_image_of_another_is_not_there(
    owners: tuple[httpx.Client, httpx.Client], small: bytes
) -> None:
    alice, bob = owners
    image = store_image(alice, small)
    refused(bob.get(image["urls"]["self"]), 404, "image_not_found")
    refused(bob.get(image["urls"]["content"]), 404, "image_not_found")
    refused(bob.post("/v1/jobs/predict", json={"image": image["id"]}), 422, "unknown_image")
    assert bob.get("/v1/jobs").json()["items"] == []
    assert store_image(bob, small)["id"] == image["id"]
    assert bob.get(image["urls"]["content"]).content == small


def test_two_keys_of_one_owner_share_everything(
    serve: Serve, settings: Settings, small: bytes
) -> None:
    ring = KeyRing(settings.keys_location)
    own = serve(settings)
    first, second = ring.create("alice"), ring.create("alice")
    own.headers["X-API-Key"] = first
    job = queue(own, "predict", small)
    own.headers["X-API-Key"] = second
    assert own.get(job["urls"]["self"]).json() == job


def test_what_was_made_before_the_first_key_is_nobodys_later(
    serve: Serve, settings: Settings, small: bytes
) -> None:
    own = serve(settings)
    job = queue(own, "predict", small)
    own.headers["X-API-Key"] = KeyRing(settings.keys_location).create("alice")
    refused(own.get(job["urls"]["self"]), 404, "job_not_found")
    assert pages(own) == []
