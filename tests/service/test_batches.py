"""Batches at the door: what is accepted, what is refused, what it costs, and whose it is."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from redis import Redis

from jobs import redis_keys
from jobs.api_keys import KeyRing
from jobs.artifacts import ArtifactStore
from jobs.batch import BatchRow
from jobs.batch_writer import BatchWriter
from jobs.lease import claim
from jobs.settings import Settings
from jobs.store import JobStore
from tests.service.asking import refused
from tests.service.conftest import Serve, watchful
from tests.service.pictures import plain
from tests.wait import wait_until

COUNT = 3


def image_set(client: httpx.Client, count: int = COUNT) -> str:
    files = [("image", (f"{n}.png", plain(8 + n, 9))) for n in range(count)]
    made = client.post("/v1/image-sets", files=files)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.fixture
def images(own: httpx.Client) -> str:
    """Return the id of an image set in the test's own API."""
    return image_set(own)


def create(client: httpx.Client, images: str, **fields: Any) -> dict[str, Any]:
    answer = client.post(
        "/v1/batches", json={"technique": "saliency", "image_set": images, **fields}
    )
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == answer.json()["urls"]["self"]
    batch: dict[str, Any] = answer.json()
    return batch


def worked(store: JobStore, settings: Settings, batch: dict[str, Any], rows: int) -> BatchWriter:
    """Keep some rows of a batch, as a worker does that still runs it."""
    lease = claim(store, batch["id"])
    assert lease is not None
    writer = BatchWriter(lease, ArtifactStore(settings.artifacts_location), 1 << 20)
    for index in range(rows):
        image = f"sha256:{index:064x}"
        row = BatchRow(index=index, image=image, status="succeeded", seed=index)
        writer.add(row, {"overlay.png": bytes([index]) * 1000, "json": b'{"index": %d}' % index})
    writer.keep()
    return writer


def test_a_batch_is_accepted_with_everything_resolved(own: httpx.Client, images: str) -> None:
    batch = create(own, images, params={"target": "class:7"}, outputs=["values.npy"], seed=7)
    assert batch["status"] == "queued" and batch["seed"] == 7
    assert batch["counts"] == {"total": COUNT, "done": 0, "succeeded": 0, "failed": 0}
    assert batch["params"]["target"] == "class:7" and batch["params"]["samples"] == 1
    assert "seed" not in batch["params"]
    assert (batch["outputs"], batch["exact"], batch["image_set"]) == (["values.npy"], False, images)
    assert own.get(batch["urls"]["self"]).json() == batch
    assert own.get(batch["urls"]["results"]).json() == {"items": [], "next_cursor": "0"}
    job = own.get(f"/v1/jobs/{batch['id']}").json()
    assert (job["technique"], job["params"]["technique"]) == ("batch", "saliency")


def test_a_form_says_the_same(own: httpx.Client, images: str) -> None:
    fields = {
        "technique": "saliency",
        "image_set": images,
        "params": '{"target": "class:7"}',
        "outputs": "values.npy, overlay.png",
        "exact": "true",
        "seed": "7",
        "label": "project=birds",
    }
    answer = own.post("/v1/batches", data=fields)
    assert answer.status_code == 202, answer.text
    batch = answer.json()
    assert batch["params"]["target"] == "class:7" and batch["exact"] and batch["seed"] == 7
    assert batch["outputs"] == ["values.npy", "overlay.png"]
    assert batch["labels"] == {"project": "birds"}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ('{"target": "class:\\ud83d"}', "half of a character"),
        (f'{{"target": "{"x" * 100_000}"}}', "100,000 characters"),
        ("[" * 99_000, "JSON object"),
    ],
)
def test_the_parameters_of_a_form_are_bounded_texts(
    own: httpx.Client, images: str, params: str, words: str
) -> None:
    fields = {"technique": "saliency", "image_set": images, "params": params}
    for answer in (
        own.post("/v1/batches", data=fields),
        own.post("/v1/batches", files={name: (None, value) for name, value in fields.items()}),
    ):
        problem = refused(answer, 422, "invalid_parameters", words)
        assert problem["errors"][0]["pointer"] == "/params"


def test_seeds_are_drawn(own: httpx.Client, images: str) -> None:
    assert create(own, images)["seed"] != create(own, images)["seed"]


@pytest.mark.parametrize(
    ("fields", "code", "pointer", "words"),
    [
        ({"technique": "salency"}, "unknown_technique", "/technique", ["saliency"]),
        ({"technique": "deep_dream"}, "unsupported_technique", "/technique", ["minutes"]),
        ({"technique": "top_channels"}, "unsupported_technique", "/technique", ["image set"]),
        ({"technique": "filters"}, "unsupported_technique", "/technique", ["one image"]),
        ({"technique": "inversion"}, "unsupported_technique", "/technique", ["one image"]),
        ({"technique": None}, "invalid_parameters", "/technique", []),
        ({"image_set": "0" * 32}, "unknown_image_set", "/image_set", ["not an image set"]),
        ({"params": {"target": "class:9999"}}, "unknown_class", "/params/target", []),
        ({"params": {"samples": 0}}, "invalid_parameters", "/params/samples", []),
        ({"params": {"sample": 2}}, "invalid_parameters", "/params/sample", ["samples"]),
        ({"params": {"model": "resnet"}}, "unknown_model", "/params/model", []),
        ({"params": {"seed": 7}}, "invalid_parameters", "/params/seed", ["beside params"]),
        ({"params": []}, "invalid_parameters", "/params", []),
        ({"params": "{"}, "invalid_parameters", "/params", ["JSON object"]),
        ({"target": "top"}, "invalid_parameters", "/target", ["inside params"]),
        ({"cache": False}, "invalid_parameters", "/cache", ["The fields are"]),
        ({"outputs": ["overlay"]}, "invalid_parameters", "/outputs", ["overlay.png"]),
        ({"outputs": ["check.png"]}, "invalid_parameters", "/outputs", ["only with", "check"]),
        (
            {"outputs": ["figure.svg"], "params": {"figure": "png"}},
            "invalid_parameters",
            "/outputs",
            ["figure=svg", "figure.png"],
        ),
        ({"seed": -1}, "invalid_parameters", "/seed", []),
        ({"webhook": "ftp://a.example"}, "webhook_refused", "/webhook", []),
        ({"labels": {"a b": "c"}}, "invalid_parameters", "/labels", []),
        ({"deadline_s": 0}, "invalid_parameters", "/deadline_s", []),
    ],
)
def test_what_cannot_run_is_refused_with_a_reason(
    own: httpx.Client,
    images: str,
    fields: dict[str, Any],
    code: str,
    pointer: str,
    words: list[str],
) -> None:
    sent = {"technique": "saliency", "image_set": images, **fields}
    problem = refused(own.post("/v1/batches", json=sent), 422, code, *words)
    assert problem["errors"][0]["pointer"] == pointer, problem
    assert own.get("/v1/batches").json()["items"] == []


def test_an_empty_set_is_refused(own: httpx.Client) -> None:
    empty = own.post("/v1/image-sets", json={"name": "empty"}).json()["id"]
    sent = {"technique": "saliency", "image_set": empty}
    refused(own.post("/v1/batches", json=sent), 422, "empty_image_set", "is empty", "{id}")


def test_an_image_must_be_within_the_limits_of_a_job_and_all_within_its_cost(
    serve: Serve, settings: Settings
) -> None:
    limited = settings.model_copy(update={"max_passes": 60, "max_cost": 100})
    own = serve(limited)
    images = image_set(own)
    sent = {"technique": "integrated_gradients", "image_set": images}
    for steps, words, pointer in (
        (100, "limit is 60", "/params/steps"),
        (50, "limit is 100", "/image_set"),
    ):
        answer = own.post("/v1/batches", json={**sent, "params": {"steps": steps}})
        errors = refused(answer, 422, "too_expensive", words)["errors"]
        assert pointer in [error["pointer"] for error in errors]
    create(own, images, technique="integrated_gradients", params={"steps": 20})


def test_each_image_counts_in_the_owners_share(
    own: httpx.Client, images: str, store: JobStore, redis: Redis
) -> None:
    batch = create(own, images, technique="integrated_gradients", params={"steps": 20})
    cost = float(redis.hget(redis_keys.job(batch["id"]), "cost") or 0)
    single = own.post(
        "/v1/jobs/integrated_gradients", files={"image": plain(9, 9)}, data={"steps": "20"}
    ).json()
    assert cost == COUNT * float(redis.hget(redis_keys.job(single["id"]), "cost") or 0) > 60
    assert claim(store, batch["id"])
    assert own.get("/v1/usage").json()["passes_today"] == cost


def test_an_idempotency_key_makes_one_batch(own: httpx.Client, images: str) -> None:
    def post(**fields: Any) -> httpx.Response:
        sent = {"technique": "saliency", "image_set": images, **fields}
        return own.post("/v1/batches", json=sent, headers={"Idempotency-Key": "one"})

    first, again = post(), post()
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    for fields in ({"exact": True}, {"params": {"samples": 2}}, {"labels": {"a": "b"}}):
        refused(post(**fields), 422, "idempotency_key_reused")
    assert len(own.get("/v1/batches").json()["items"]) == 1


def test_lists_hold_batches_alone_by_label_and_status(own: httpx.Client, images: str) -> None:
    first, second = create(own, images), create(own, images, labels={"project": "birds"})
    own.post("/v1/jobs/predict", files={"image": plain(9, 9)})
    own.post(first["urls"]["cancel"])

    def ids(**query: str) -> list[str]:
        return [item["id"] for item in own.get("/v1/batches", params=query).json()["items"]]

    assert ids() == [second["id"], first["id"]]
    assert ids(label="project=birds") == ids(status="queued") == [second["id"]]
    page = own.get("/v1/batches", params={"limit": 1}).json()
    assert ids(cursor=page["next_cursor"]) == [first["id"]]
    jobs = own.get("/v1/jobs", params={"technique": "batch"}).json()["items"]
    assert [job["id"] for job in jobs] == [second["id"], first["id"]]


def test_a_page_of_rows_looks_at_a_bounded_number(
    own: httpx.Client,
    images: str,
    store: JobStore,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.routes.batch_results._ROWS_COMPARED", 1)
    batch = create(own, images)
    worked(store, settings, batch, 2)
    for cursor, following in (("0", "1"), ("1", "2")):
        asked = {"status": "failed", "cursor": cursor}
        page = own.get(batch["urls"]["results"], params=asked).json()
        assert page == {"items": [], "next_cursor": following}


def test_rows_and_files_are_read_while_it_runs(
    own: httpx.Client, images: str, store: JobStore, settings: Settings
) -> None:
    batch = create(own, images)
    writer = worked(store, settings, batch, 2)
    assert own.get(batch["urls"]["self"]).json()["counts"]["done"] == 2
    page = own.get(batch["urls"]["results"], params={"limit": 1}).json()
    assert [row["index"] for row in page["items"]] == [0] and page["next_cursor"] == "1"
    page = own.get(batch["urls"]["results"], params={"cursor": page["next_cursor"]}).json()
    assert [row["index"] for row in page["items"]] == [1] and page["next_cursor"] == "2"
    assert own.get(batch["urls"]["results"], params={"status": "failed"}).json()["items"] == []
    item = f"{batch['urls']['self']}/items/{page['items'][0]['image']}"
    answer = own.get(f"{item}/overlay.png")
    assert (answer.content, answer.headers["content-type"]) == (b"\1" * 1000, "image/png")
    assert answer.headers["content-length"] == "1000"
    part = own.get(f"{item}/overlay.png", headers={"Range": "bytes=990-"})
    assert (part.status_code, part.content) == (206, b"\1" * 10)
    known = own.get(f"{item}/overlay.png", headers={"If-None-Match": answer.headers["etag"]})
    assert known.status_code == 304
    assert own.get(f"{item}/json").json() == {"index": 1}
    refused(own.get(f"{item}/values.npy"), 404, "artifact_not_found", "overlay.png, json")
    nobody = f"{batch['urls']['self']}/items/sha256:{'f' * 64}/json"
    refused(own.get(nobody), 404, "row_not_found")
    refused(own.get(f"{batch['urls']['self']}/items/x/json"), 404, "row_not_found")

    def files() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = own.get(batch["urls"]["artifacts"]).json()["items"]
        return items

    [manifest] = files()
    lines = own.get(manifest["url"]).content
    assert len(lines) == manifest["bytes"]
    assert [json.loads(line)["index"] for line in lines.splitlines()] == [0, 1]
    writer.close_shard()
    shard = files()[1]
    assert len(own.get(shard["url"]).content) == shard["bytes"]
    assert own.get(f"{item}/overlay.png").content == answer.content
    refused(own.get(f"{batch['urls']['artifacts']}/shard-9"), 404, "artifact_not_found", "manifest")


def test_canceled_and_deleted(
    own: httpx.Client, images: str, store: JobStore, settings: Settings
) -> None:
    batch = create(own, images)
    worked(store, settings, batch, 2)
    answer = own.post(batch["urls"]["cancel"])
    assert answer.status_code == 202 and answer.json()["cancel_requested"]
    refused(own.delete(batch["urls"]["self"]), 409, "job_running")
    waiting = create(own, images)
    assert own.post(waiting["urls"]["cancel"]).json()["status"] == "canceled"
    assert own.get(waiting["urls"]["results"]).json() == {"items": [], "next_cursor": None}
    assert own.delete(waiting["urls"]["self"]).status_code == 204
    refused(own.get(waiting["urls"]["self"]), 404, "batch_not_found")


def test_a_single_job_is_no_batch(own: httpx.Client) -> None:
    job = own.post("/v1/jobs/predict", files={"image": plain(9, 9)}).json()
    refused(own.get(f"/v1/batches/{job['id']}"), 404, "batch_not_found", "/v1/jobs/")


def test_it_runs_and_its_files_are_those_of_single_jobs(client: httpx.Client) -> None:
    """On the shared stack, with a real model."""
    images = image_set(client)
    fields = {"params": {"target": "class:7"}, "exact": True, "outputs": ["values.npy"], "seed": 1}
    url = create(client, images, **fields)["urls"]["self"]
    batch = wait_until(lambda: ended(client, url), 180)
    assert (batch["status"], batch["counts"]["succeeded"]) == ("succeeded", COUNT), batch
    job = client.get(f"/v1/jobs/{batch['id']}").json()
    assert job["result"]["summary"] == {"total": COUNT, "succeeded": COUNT, "failed": 0}
    page = client.get(batch["urls"]["results"]).json()
    assert page["next_cursor"] is None
    for row in page["items"]:
        assert row["target"] == "class:7" and row["files"].keys() == {"values.npy", "json"}
        asked = {"image": row["image"], "seed": row["seed"], "target": "class:7", "cache": False}
        single = client.post("/v1/jobs/saliency", json=asked).json()
        single = wait_until(lambda url=single["urls"]["self"]: ended(client, url), 180)
        [values] = [file for file in single["result"]["artifacts"] if file["name"] == "values.npy"]
        item = client.get(f"{url}/items/{row['image']}/values.npy").content
        assert item == client.get(values["url"]).content
        said = client.get(f"{url}/items/{row['image']}/json").json()
        assert said["summary"] == single["result"]["summary"]
    archive = client.get(f"/v1/jobs/{batch['id']}/artifacts.zip").content
    with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
        assert zipped.namelist() == ["manifest.jsonl", "shard-00000.tar"]
    assert client.delete(url).status_code == 204


def ended(client: httpx.Client, url: str) -> dict[str, Any] | None:
    found: dict[str, Any] = client.get(url, params={"wait": 5}).json()
    return found if found["status"] in ("succeeded", "failed", "canceled") else None


@pytest.fixture
def owners(serve: Serve, settings: Settings) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Return the clients of Alice and Bob for one API."""
    ring = KeyRing(settings.keys_location)
    keys = ring.create("alice"), ring.create("bob")
    address = str(serve(settings).base_url)
    alice, bob = (watchful(address, **{"X-API-Key": key}) for key in keys)
    with alice, bob:
        yield alice, bob


def test_a_batch_of_another_is_not_there(
    owners: tuple[httpx.Client, httpx.Client], store: JobStore, settings: Settings
) -> None:
    alice, bob = owners
    images = image_set(alice)
    batch = create(alice, images)
    worked(store, settings, batch, 1)
    sent = {"technique": "saliency", "image_set": images}
    refused(bob.post("/v1/batches", json=sent), 422, "unknown_image_set")
    url = batch["urls"]["self"]
    item = f"items/sha256:{0:064x}/json"
    for rest in ("", "/results", f"/{item}", "/artifacts", "/artifacts/manifest.jsonl"):
        assert alice.get(f"{url}{rest}").status_code == 200, rest
        refused(bob.get(f"{url}{rest}"), 404, "batch_not_found")
    refused(bob.post(f"{url}/cancel"), 404, "batch_not_found")
    refused(bob.delete(url), 404, "batch_not_found")
    assert bob.get("/v1/batches").json()["items"] == []
