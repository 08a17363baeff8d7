"""The client on a real stack: images go up once, jobs are made once, and results come down."""

import asyncio
import io
import json
import re
from pathlib import Path

import httpx2
import numpy as np
import pytest
from faulty_proxy import FaultyProxy
from PIL import Image

from retinoscope_client import (
    APIError,
    AsyncClient,
    Client,
    JobCanceled,
    JobFailed,
    RetinoscopeError,
    WaitTimeout,
)


def all_progress(url: str, job_id: str) -> list[int]:
    """Return `done` of every progress event of a job, in their order."""
    headers = {"Last-Event-ID": "0"}
    text = httpx2.get(f"{url}/v1/jobs/{job_id}/events", headers=headers).text
    events = [dict(re.findall(r"^(\w+): (.*)$", block, re.M)) for block in text.split("\n\n")]
    return [
        json.loads(event["data"])["done"] for event in events if event.get("event") == "progress"
    ]


def test_from_a_photograph_to_values(rs: Client, photo: Path) -> None:
    job = rs.saliency(photo, target="class:espresso", seed=1)
    result = job.wait()
    assert job.status == "succeeded" and job.data["params"]["seed"] == 1
    assert result.summary["target"]["label"] == "espresso"
    assert result.values.shape == (224, 224) and result.values.dtype == np.float32
    assert result["overlay.png"].pil().size == (600, 400)
    assert [path.name for path in result.save(photo.parent / "out")] == result.names
    assert result._repr_mimebundle_()["image/png"].startswith("iVBOR")
    with pytest.raises(KeyError, match=r"overlay\.png"):
        result["overlay.jpg"]


def test_a_prediction_is_a_result(rs: Client, photo: Path) -> None:
    result = rs.predict(photo, top_k=1)
    assert result.summary["predictions"][0]["label"] == "espresso"
    assert "espresso" in result._repr_mimebundle_()["text/plain"]


def test_every_kind_of_image_is_the_same_image(proxy: FaultyProxy, coffee: bytes) -> None:
    pixels = Image.open(io.BytesIO(coffee)).crop((0, 0, 64, 48)).convert("RGB")
    file = io.BytesIO()
    pixels.save(file, format="PNG")
    with Client(proxy.url) as rs:
        kinds = [file.getvalue(), io.BytesIO(file.getvalue()), pixels, np.asarray(pixels)]
        jobs = [rs.submit("predict", image=kind) for kind in kinds]
        ids = {job.data["inputs"]["image"]["id"] for job in jobs}
        again = rs.submit("predict", image=ids.copy().pop())
    assert len(ids) == 1 and again.data["inputs"]["image"]["id"] in ids
    assert len(proxy.lines("POST", "/v1/images")) == 1
    assert len(proxy.lines("GET", "/v1/images/sha256:")) == 4


def test_a_lost_answer_makes_no_second_job(proxy: FaultyProxy, photo: Path) -> None:
    with Client(proxy.url) as rs:
        proxy.fault = lambda seen, before: (
            "lose" if seen.path == "/v1/jobs/saliency" and not before else None
        )
        job = rs.saliency(photo, seed=11, cache=False)
        newest = rs.jobs(limit=2, technique="saliency")
    posts = [each for each in proxy.seen if each.path == "/v1/jobs/saliency"]
    keys = {each.headers["idempotency-key"] for each in posts}
    assert len(posts) == 2 and len(keys) == 1
    assert newest[0].id == job.id and newest[1].data["params"]["seed"] != 11


def test_a_cut_stream_is_resumed(proxy: FaultyProxy, photo: Path) -> None:
    proxy.fault = lambda seen, before: "cut" if "/events" in seen.path and before < 2 else None
    reported = []
    with Client(proxy.url) as rs:
        job = rs.integrated_gradients(photo, steps=100, cache=False)
        result = job.wait(progress=lambda progress: reported.append(progress["done"]))
    streams = [each.headers.get("last-event-id") for each in proxy.seen if "/events" in each.path]
    assert len(streams) > 1 and streams[0] is None and None not in streams[1:]
    assert result.summary["target"]["label"] == "espresso"
    assert len(reported) > 3 and reported == all_progress(proxy.url, job.id)[-len(reported) :]


def test_without_streams_the_job_is_asked_for(proxy: FaultyProxy, photo: Path) -> None:
    proxy.fault = lambda seen, _: (503, {}) if "/events" in seen.path else None
    reported = []
    with Client(proxy.url, retries=0) as rs:
        rs.saliency(photo, samples=64, cache=False).wait(progress=reported.append)
    assert len(proxy.lines("GET", "/events")) == 3 and proxy.lines("GET", "wait=2")
    assert reported[-1]["done"] == 64


def test_refusals_have_code_and_hint(rs: Client, photo: Path) -> None:
    with pytest.raises(APIError, match="stride") as refused:
        rs.occlusion(photo, stride=0)
    assert refused.value.code == "invalid_parameters" and refused.value.status == 422
    assert refused.value.hint.startswith("stride: ")
    with pytest.raises(APIError, match="salience"):
        rs.submit("salience", image=photo)
    with pytest.raises(RetinoscopeError, match=r"'no\.png' cannot be read: no such file"):
        rs.saliency("no.png")


def test_a_job_that_fails_is_canceled_or_takes_long(rs: Client, photo: Path) -> None:
    job = rs.deep_dream(photo, size=160, octaves=2, steps=400)
    with pytest.raises(RetinoscopeError, match="has not ended"):
        job.result()
    with pytest.raises(WaitTimeout, match="goes on"):
        job.wait(timeout=0.2)
    job.cancel()
    with pytest.raises(JobCanceled):
        job.wait()
    job.delete()
    with pytest.raises(APIError, match="job_not_found"):
        job.refresh()
    with pytest.raises(JobFailed) as failed:
        rs.inversion(embedding=np.zeros((1280,), np.float32), layer="global_pool").wait()
    assert failed.value.code == "nothing_to_invert" and not failed.value.retryable


def test_an_image_set_goes_up_once(proxy: FaultyProxy, tmp_path: Path, coffee: bytes) -> None:
    picture = Image.open(io.BytesIO(coffee)).convert("RGB")
    for number in range(3):
        picture.crop((0, 0, 60 + number, 50)).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_text("no picture")
    with Client(proxy.url) as rs:
        first, second = rs.image_set(tmp_path, name="crops"), rs.image_set(tmp_path)
        result = rs.top_patches(image_set=first, target="conv_stem:3", k=2).wait()
    assert first.images == second.images == 3 and list(first.refused) == [
        str(tmp_path / "notes.txt")
    ]
    # The text is tried, and refused, each time.
    assert len(proxy.lines("POST", "/v1/images")) == 5
    assert len(result.summary["patches"]) == 2


def test_models_layers_and_classes(rs: Client) -> None:
    assert rs.models()[0]["name"] == "efficientnet_lite0"
    assert rs.models("timm:resnet18")[0]["name"].startswith("timm:resnet18")
    assert "blocks.4.0.conv_pw" in [layer["path"] for layer in rs.layers("efficientnet_lite0")]
    assert rs.classes("efficientnet_lite0", "egyptian") == [{"index": 285, "label": "Egyptian cat"}]
    assert "saliency" in [each["name"] for each in rs.techniques()]


def test_several_jobs_at_once(url: str, photo: Path) -> None:
    async def explain() -> list[tuple[int, ...]]:
        async with AsyncClient(url) as rs:
            jobs = await asyncio.gather(*(rs.saliency(photo, seed=seed) for seed in range(3)))
            results = await asyncio.gather(*(job.wait() for job in jobs))
            assert [job.id for job in await rs.jobs(limit=3)]
            with pytest.raises(APIError, match="unknown_layer"):
                await rs.saliency(photo, target="blocks.99:1")
            return [(await result.fetch("values.npy")).array().shape for result in results]

    assert asyncio.run(explain()) == [(224, 224)] * 3


def test_the_asynchronous_stream_is_resumed(proxy: FaultyProxy, photo: Path) -> None:
    proxy.fault = lambda seen, before: "cut" if "/events" in seen.path and before < 2 else None
    reported: list[int] = []
    jobs: list[str] = []

    async def explain() -> None:
        async with AsyncClient(proxy.url) as rs:
            job = await rs.integrated_gradients(photo, steps=100, cache=False)
            jobs.append(job.id)
            await job.wait(progress=lambda progress: reported.append(progress["done"]))

    asyncio.run(explain())
    streams = [each.headers.get("last-event-id") for each in proxy.seen if "/events" in each.path]
    assert len(streams) > 1 and None not in streams[1:]
    assert len(reported) > 3 and reported == all_progress(proxy.url, jobs[0])[-len(reported) :]
