"""Lists of an owner's jobs, newest first, archived ones among them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from redis import Redis

from jobs import redis_keys
from jobs.archive import Archive
from jobs.errors import NotFound
from jobs.model import Job

# Records whose fields are compared at a time, and for one page: about a tenth of a second's work.
_COMPARED_AT_A_TIME = 1_000
_COMPARED_FOR_A_PAGE = 10_000
# Archived records of one page that are read at a time.
_ARCHIVED_READS = 16
_ALL: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class JobPage:
    """Some jobs. `next_cursor` is where the next page begins, or None on the last one."""

    jobs: list[Job]
    next_cursor: str | None


class JobList:
    """The jobs in one Redis, by their owners. Every method may raise redis.RedisError."""

    def __init__(self, redis: Redis, archive: Callable[[], Archive]) -> None:
        self._redis = redis
        # Lists without archived jobs are read while the object store cannot be.
        self._archive = archive

    def page(
        self,
        owner: str,
        *,
        before: str | None,
        limit: int,
        wanted: Mapping[str, str] = _ALL,
        labels: Mapping[str, str] = _ALL,
    ) -> JobPage:
        """Return up to `limit` jobs with ids below `before`.

        `wanted` holds the values that fields of their records must have, by name. `labels` are
        among the labels that they must have. A page has fewer jobs, or none, and is not the last
        one, if more records than are compared for one page would have to be.
        """
        found: list[str] = []
        filters = wanted or labels
        count = _COMPARED_AT_A_TIME if filters else limit + 1
        for _ in range(_COMPARED_FOR_A_PAGE // _COMPARED_AT_A_TIME):
            ids = self._ids(owner, before, count)
            found += self._matching(ids, wanted, labels) if filters else ids
            if len(found) > limit:
                return JobPage(self.read(found[:limit]), found[limit - 1])
            if len(ids) < count:
                return JobPage(self.read(found), None)
            before = ids[-1]
        return JobPage(self.read(found), before)

    def read(self, ids: Iterable[str]) -> list[Job]:
        """Return those of the jobs that there still are."""
        with self._redis.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hgetall(redis_keys.job(job_id))
            records = [fields for fields in pipe.execute() if is_record(fields)]
        if any("archived" in fields for fields in records):
            with ThreadPoolExecutor(_ARCHIVED_READS) as pool:
                records = [fields for fields in pool.map(self._whole, records) if fields]
        return [Job.from_hash(fields) for fields in records]

    def _ids(self, owner: str, before: str | None, count: int) -> list[str]:
        top = f"({before}" if before else "+"
        key = redis_keys.owner_jobs(owner)
        ids = self._redis.zrevrangebylex(key, top, "-", start=0, num=count)
        return cast("list[str]", ids)

    def _matching(
        self, ids: Sequence[str], wanted: Mapping[str, str], labels: Mapping[str, str]
    ) -> list[str]:
        """Return the ids of the records with these values, without reading the other fields."""
        names = [*wanted, "archived", "labels"]
        with self._redis.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hmget(redis_keys.job(job_id), names)
            records = [dict(zip(names, values, strict=True)) for values in pipe.execute()]
        return [
            job_id
            for job_id, record in zip(ids, records, strict=True)
            if all(_value(record, name) == value for name, value in wanted.items())
            and labels.items() <= json.loads(record["labels"] or "{}").items()
        ]

    def _whole(self, fields: dict[str, str]) -> dict[str, str] | None:
        """Return a record with what was archived, or None if that is being deleted."""
        try:
            return self._archive().whole(fields)
        except NotFound:
            return None


def is_record(fields: Mapping[str, str]) -> bool:
    """Return whether a hash is a record, and not what a late write left of one."""
    return "status" in fields or "archived" in fields


def _value(record: Mapping[str, str | None], name: str) -> str | None:
    """Return a field of a record, of which `archived` may hold the status."""
    found = record[name]
    return record["archived"] if name == "status" and found is None else found
