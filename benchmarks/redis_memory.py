"""Measure what an ended job takes in Redis: at once, after an hour and after a day.

Run it with `python -m benchmarks.redis_memory [jobs]`. The records are those of `saliency` of a
photograph with five files; the object store is a local folder.
"""

import sys
import tempfile
import time
from pathlib import Path

from redis import Redis

from benchmarks.job_store import running_store
from catalog.registry import find_technique
from jobs import redis_keys
from jobs.create_options import CreateOptions, WorkKey
from jobs.job_request import JobRequest
from jobs.lease import claim
from jobs.model import Artifact, InputImage, Progress
from jobs.store import JobStore

_MODEL = "efficientnet_lite0"
_DIGEST = "sha256:" + "a" * 64
_FILES = ("heatmap.png", "overlay.png", "gradient.png", "values.npy", "result.json")
_BASIS = {"weights": _DIGEST, "precision": "float32", "version": "0.2.0"}


def main() -> None:
    """Print the bytes per job, and how long pages of the archived jobs take."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder, running_store(Path(folder)) as store:
        empty = _used(store.redis)
        ids = [_ended(store, number) for number in range(jobs)]
        fresh = _used(store.redis) - empty
        for start in range(0, jobs, 1000):
            store.redis.delete(*map(redis_keys.events, ids[start : start + 1000]))
        hour = _used(store.redis) - empty
        for job_id in ids:
            store.archive.move(job_id)
        day = _used(store.redis) - empty
        figures = [f"{round(used / jobs):,}" for used in (fresh, hour, day)]
        print("bytes per ended job: at once {}, after an hour {}, after a day {}".format(*figures))
        print(f"a page of 20: {_page_ms(store, {}):.1f} ms")
        print(f"a page of 20 that none fits: {_page_ms(store, {'status': 'failed'}):.1f} ms")


def _used(redis: Redis) -> int:
    return int(redis.info("memory")["used_memory"])


def _page_ms(store: JobStore, wanted: dict[str, str]) -> float:
    began = time.perf_counter()
    store.listing.page("ada", before=None, limit=20, wanted=wanted)
    return (time.perf_counter() - began) * 1e3


def _ended(store: JobStore, number: int) -> str:
    image = f"{number:064x}"
    params = find_technique("saliency").params(model=_MODEL, seed=1).model_dump(mode="json")
    request = JobRequest(
        owner="ada",
        technique="saliency",
        model=_MODEL,
        queue="fast",
        params=params,
        inputs={"image": InputImage(id=f"sha256:{image}", width=600, height=400)},
        batchable=True,
        cost=2,
    )
    work = WorkKey(redis_keys.work("ada", image), _BASIS)
    lease = claim(store, store.create(request, CreateOptions(work=work)).id)
    assert lease is not None
    for done in range(3):
        lease.heartbeat(Progress(done=done, total=3, message="passes"))
    lease.succeed(
        {"target": {"index": 285, "label": "Egyptian cat"}, "score": 0.98, "predictions": _top()},
        [_artifact(lease.folder, name) for name in _FILES],
        _BASIS | {"model": _MODEL, "device": "cpu", "seed": 1, "together": 1, "input": _DIGEST},
    )
    return lease.job.id


def _top() -> list[dict[str, object]]:
    return [
        {"index": index, "label": "some label", "probability": 0.1, "logit": 3.2}
        for index in range(5)
    ]


def _artifact(folder: str, name: str) -> Artifact:
    key = f"{folder}/{name}"
    return Artifact(name=name, media_type="image/png", bytes=12_345, sha256=_DIGEST, key=key)


if __name__ == "__main__":
    main()
