"""Compares files with records: files that no record knows, and records whose files are missing."""

import json
from collections.abc import Iterator
from typing import Any

from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.batch import batch_folder
from jobs.errors import NotFound
from jobs.model import FINAL, Job
from jobs.store import JobStore

_UPLOAD_KINDS = {"images": "image", "arrays": "array"}
_FOLDERS = ("jobs", *_UPLOAD_KINDS, "sets")

# Returns what a job's record names, and until when in ms its files are expected: copied files exist
# before their job's record, and are as old as what they were copied from.
_JOB_SCRIPT = """
local record, expiring = unpack(KEYS)
local found = redis.call('HMGET', record, 'status', 'result', 'batch', 'checkpoint', 'preview')
found[6] = redis.call('ZSCORE', expiring, ARGV[1])
return found
"""

# Returns until when in ms the bytes of an upload are kept or expected.
_UPLOAD_SCRIPT = """
local record, expiring = unpack(KEYS)
if redis.call('EXISTS', record) == 1 then
  return 'inf'
end
return redis.call('ZSCORE', expiring, ARGV[1]) or '0'
"""


def orphans(store: JobStore, files: ArtifactStore, older_than_s: float = 0) -> Iterator[str]:
    """Yield keys of files that belong to no record and were last written that long ago.

    A worker that lost its job leaves them when it writes after the job was deleted, and so does a
    crash between storing bytes and writing a record. Every file of an unfinished job belongs to it.
    Of an ended job only the files that its record names do, and the folder of a batch. Records are
    read after the files were listed.
    """
    for folder in _FOLDERS:
        for keys in files.list_pages(f"{folder}/", older_than_s):
            yield from without_record(store.redis, keys)


def without_record(redis: Redis, keys: list[str]) -> list[str]:
    """Return those of the keys that belong to no record now."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for key in keys:
            _query(pipe, key)
        (seconds, _), *answers = pipe.execute()
    now_ms = seconds * 1000
    return [
        key
        for key, answer in zip(keys, answers, strict=True)
        if not _has_record(key, answer, now_ms)
    ]


def missing(store: JobStore, files: ArtifactStore) -> dict[str, list[str]]:
    """Return the keys of files that records name but that do not exist, by job id."""
    found: dict[str, list[str]] = {}
    for job_id in _job_ids(store.redis):
        # A second look excludes jobs that are being deleted.
        if gone := _missing_files(store, files, job_id):
            gone = sorted(set(gone) & set(_missing_files(store, files, job_id)))
        if gone:
            found[job_id] = gone
    return found


def _query(pipe: Any, key: str) -> None:
    folder, owner, name, *_ = [*key.split("/"), "", ""]
    if folder == "jobs":
        member = redis_keys.expiring_job(owner)
        pipe.eval(_JOB_SCRIPT, 2, redis_keys.job(owner), redis_keys.EXPIRING, member)
    elif folder == "sets":
        pipe.exists(redis_keys.image_set(owner, name))
    else:
        upload = _UPLOAD_KINDS[folder], owner, name
        record, member = redis_keys.upload(*upload), redis_keys.expiring_upload(*upload)
        pipe.eval(_UPLOAD_SCRIPT, 2, record, redis_keys.EXPIRING, member)


def _has_record(key: str, answer: Any, now_ms: int) -> bool:
    folder, job_id, *_ = key.split("/")
    if folder == "sets":
        return bool(answer)
    if folder in _UPLOAD_KINDS:
        return float(answer) > now_ms
    status, result, batch, *scratch, expected_until_ms = answer
    if status is None:
        return float(expected_until_ms or 0) > now_ms
    if status not in FINAL:
        return True
    if batch and key.startswith(f"{batch_folder(job_id)}/"):
        return True
    named = [json.loads(text)["key"] for text in scratch if text]
    named += [artifact["key"] for artifact in json.loads(result)["artifacts"]] if result else []
    return key in named


def _job_ids(redis: Redis) -> Iterator[str]:
    for key in redis.scan_iter(match=redis_keys.job("*"), count=1000, _type="hash"):
        yield str(key).removeprefix(redis_keys.job(""))


def _missing_files(store: JobStore, files: ArtifactStore, job_id: str) -> list[str]:
    try:
        job = store.get(job_id)
    except NotFound:
        return []
    return [key for key in _named_files(job) if not files.has(key)]


def _named_files(job: Job) -> list[str]:
    scratch = [file.key for file in (job.checkpoint, job.preview, job.batch) if file]
    return scratch + [artifact.key for artifact in (job.result.artifacts if job.result else [])]
