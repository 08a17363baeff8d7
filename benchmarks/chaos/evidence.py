"""What the API, the event stream and the files say of each job at the end."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import httpx

from benchmarks.chaos.clients import Told
from benchmarks.chaos.mix import Kind
from benchmarks.chaos.owners import OWNERS
from catalog.registry import find_technique
from jobs.artifacts import ArtifactStore
from jobs.audit import orphans
from jobs.events import EventLog
from jobs.model import FINAL
from jobs.store import JobStore

# An event of a job: milliseconds, status ('' for progress and previews), attempts.
Moment = tuple[int, str, int]


@dataclass(frozen=True)
class Seen:
    """The parts of a job by which a client can distinguish two ends."""

    status: str
    finished_at: str | None
    attempts: int
    error: str
    artifacts: tuple[tuple[str, str, str], ...]  # name, sha256, address

    @classmethod
    def of(cls, job: dict[str, Any]) -> "Seen":
        found = (job["result"] or {}).get("artifacts", [])
        artifacts = tuple((item["name"], item["sha256"], item["url"]) for item in found)
        error = job["error"]["code"] if job["error"] else ""
        return cls(job["status"], job["finished_at"], job["attempts"], error, artifacts)

    @property
    def final(self) -> bool:
        return self.status in FINAL


@dataclass(frozen=True)
class Evidence:
    """One job that was promised to a client, or (`kind` None) one that no client knows of."""

    job_id: str
    kind: Kind | None
    first: Seen | None  # as it was first seen ended
    last: Seen | None  # None: there is no record
    moments: tuple[Moment, ...] = ()
    stop: bool = False  # a cancel was accepted before it had ended
    bad_files: tuple[str, ...] = ()  # of a result: missing, or other bytes than the record says


def gather(
    client: httpx.Client,
    events: EventLog,
    told: Told,
    first: dict[str, Seen],
    owner: str = OWNERS[0],
) -> list[Evidence]:
    """Ask for every job of an owner that was promised or that is listed, with the owner's key."""
    found = []
    promised = {job_id for job_id, wish in told.accepted.items() if wish.owner == owner}
    for job_id in sorted(promised | set(listed(client))):
        wish = told.accepted.get(job_id)
        seen = Evidence(
            job_id, wish.kind if wish else None, first.get(job_id), None, stop=job_id in told.stops
        )
        found.append(_looked_at(client, events, seen))
    return found


def listed(client: httpx.Client) -> list[str]:
    """Return the ids of all jobs, page by page."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/v1/jobs", params={"limit": "100"} | cursor).raise_for_status().json()
        ids += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return ids
        cursor = {"cursor": page["next_cursor"]}


def stray_files(
    store: JobStore, files: ArtifactStore, evidence: list[Evidence]
) -> tuple[list[str], list[str]]:
    """Return files without a job, and files that their job's record does not name."""
    known = {item.job_id for item in evidence if item.last}
    strays = list(orphans(store, files))
    unnamed = [key for key in strays if key.split("/")[1] in known]
    return [key for key in strays if key not in unnamed], unnamed


def _looked_at(client: httpx.Client, events: EventLog, seen: Evidence) -> Evidence:
    answer = client.get(f"/v1/jobs/{seen.job_id}")
    if answer.status_code == 404:
        return seen
    job = answer.raise_for_status().json()
    last = Seen.of(job)
    bad = tuple(name for name, digest, url in last.artifacts if not _matches(client, url, digest))
    if (
        last.status == "succeeded"
        and not last.artifacts
        and find_technique(job["technique"]).artifacts
    ):
        bad = ("all",)
    return replace(seen, last=last, moments=_moments(events, seen.job_id), bad_files=bad)


def _matches(client: httpx.Client, url: str, digest: str) -> bool:
    answer = client.get(url)
    return (
        answer.status_code == 200
        and f"sha256:{hashlib.sha256(answer.content).hexdigest()}" == digest
    )


def _moments(events: EventLog, job_id: str) -> tuple[Moment, ...]:
    return tuple(
        (
            int(event.id.partition("-")[0]),
            event.data.get("status", ""),
            event.data.get("attempts", 0),
        )
        for event in events.after(job_id, "0")
    )
