"""What is stored against what the records say: files that no record knows, and records whose files are gone."""

import json
from collections.abc import Iterator
from typing import Any

from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.errors import NotFound
from jobs.model import FINAL, Job
from jobs.store import JobStore

_UPLOADS = {"images": "image", "arrays": "array"}
_FOLDERS = ("jobs", *_UPLOADS, "sets")


def orphans(store: JobStore, files: ArtifactStore, older_than_s: float = 0) -> Iterator[str]:
    """Keys of files that belong to no record, last written so long ago at least.

    Left by a zombie that wrote after its job was gone, or by a crash between bytes and record. What an unfinished job
    wrote belongs to it; of an ended one only what its record names. Records are read after the files were listed.
    """
    for folder in _FOLDERS:
        for keys in files.listed(f"{folder}/", older_than_s):
            yield from unknown(store.redis, keys)


def unknown(redis: Redis, keys: list[str]) -> list[str]:
    """Those of the keys that belong to no record now. What is none of our files is left out."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for key in keys:
            _ask(pipe, key)
        (seconds, _), *answers = pipe.execute()
    return [
        key
        for key, answer in zip(keys, answers, strict=True)
        if not _belongs(key, answer, seconds * 1000)
    ]


def missing(store: JobStore, files: ArtifactStore) -> dict[str, list[str]]:
    """Job ids → keys of files that the record names and that are not there; nothing else is listed."""
    found: dict[str, list[str]] = {}
    for job_id in _job_ids(store.redis):
        gone = _gone(store, files, job_id)
        if gone and (
            gone := sorted(set(gone) & set(_gone(store, files, job_id)))
        ):  # not one that is just going
            found[job_id] = gone
    return found


def _ask(pipe: Any, key: str) -> None:
    folder, owner, name, *_ = [*key.split("/"), "", ""]
    if folder == "jobs":
        pipe.eval(_RECORD, 2, redis_keys.job(owner), redis_keys.EXPIRING, f"job:{owner}")
    elif folder == "sets":
        pipe.exists(redis_keys.image_set(owner, name))
    else:
        kind = _UPLOADS[folder]
        pipe.eval(
            _KEPT,
            2,
            redis_keys.upload(kind, owner, name),
            redis_keys.EXPIRING,
            f"{kind}:{owner}:{name}",
        )


# Copied files come before their job's record, and are as old as what they were copied from.
_RECORD = """local found = redis.call('HMGET', KEYS[1], 'status', 'result', 'checkpoint', 'preview')
found[5] = redis.call('ZSCORE', KEYS[2], ARGV[1])
return found"""

# A record, or the note that one is about to come: the score in ms until when.
_KEPT = "return redis.call('EXISTS', KEYS[1]) == 1 and 'inf' or redis.call('ZSCORE', KEYS[2], ARGV[1]) or '0'"


def _belongs(key: str, answer: Any, now_ms: int) -> bool:
    folder, *_ = key.split("/")
    if folder == "sets":
        return bool(answer)
    if folder in _UPLOADS:
        return float(answer) > now_ms
    status, result, *scratch, goes_ms = answer
    if status is None:
        return float(goes_ms or 0) > now_ms
    if status not in FINAL:
        return True
    named = [json.loads(text)["key"] for text in scratch if text]
    named += [artifact["key"] for artifact in json.loads(result)["artifacts"]] if result else []
    return key in named


def _job_ids(redis: Redis) -> Iterator[str]:
    for key in redis.scan_iter(match=redis_keys.job("*"), count=1000, _type="hash"):
        yield str(key).removeprefix(redis_keys.job(""))


def _gone(store: JobStore, files: ArtifactStore, job_id: str) -> list[str]:
    try:
        job = store.get(job_id)
    except NotFound:
        return []
    return [key for key in _named(job) if not files.has(key)]


def _named(job: Job) -> list[str]:
    scratch = [stored.key for stored in (job.checkpoint, job.preview) if stored]
    return scratch + [artifact.key for artifact in (job.result.artifacts if job.result else [])]
