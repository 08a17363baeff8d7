"""From a plan to the response: run it, and say so if it has no result yet or none at all."""

import json
import re
from collections.abc import Callable
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from catalog.problems import PROBLEMS
from jobs.log_context import note
from jobs.model import Job, JobError, Status
from service.addresses import address
from service.inference.error_answer import error_answer, protocol_status
from service.inference.inference_request import InferenceRequest
from service.inference.plan import Plan
from service.inference.run import Caller, run
from service.waiting import preferred_wait

# Proxies and clients of these protocols give up after a minute.
PATIENCE_S = 50.0
_ASYNC = re.compile(r"(?:^|[,;\s])respond-async(?:$|[,;\s])", re.IGNORECASE)

Write = Callable[[list[Job]], Any]
"""Makes the body of an answer from the jobs of the images, in their order."""


async def answer(caller: Caller, plan: Plan, request: InferenceRequest, write: Write) -> Response:
    """Run the plan on the images, and answer 200 with what `write` makes of the jobs.

    If a job has not ended in time, the answer is 504, or 202 with `Prefer: respond-async`. If one
    has failed, it is the error of the first that has.
    """
    is_async = _ASYNC.search(caller.prefer or "") is not None
    seconds = preferred_wait(caller.prefer)
    if seconds is None:
        seconds = 0.0 if is_async else PATIENCE_S
    jobs = await run(caller, plan, request, seconds)
    if not all(job.status.final for job in jobs):
        return _accepted(jobs) if is_async else _not_in_time(jobs, seconds)
    for place, job in zip(request.images, jobs, strict=True):
        if job.status is not Status.SUCCEEDED:
            return _failed(place, job)
    content = await run_in_threadpool(lambda: json.dumps(write(jobs), ensure_ascii=False).encode())
    return Response(content, media_type="application/json")


def _accepted(jobs: list[Job]) -> Response:
    paths = _addresses(jobs)
    headers = {
        "Location": paths[0],
        "Retry-After": "1",
        "Preference-Applied": "respond-async",
    }
    return JSONResponse({"job": paths[0], "jobs": paths}, 202, headers)


def _not_in_time(jobs: list[Job], seconds: float) -> Response:
    note(code="not_in_time")
    paths = _addresses(jobs)
    first = next(path for path, job in zip(paths, jobs, strict=True) if not job.status.final)
    text = (
        f"The result is not there after {seconds:.0f} s. The work goes on: GET {first}?wait=60 "
        "waits for it. With the header `Prefer: respond-async` the answer is 202 at once."
    )
    return error_answer("not_in_time", text, 504, job=first, jobs=paths)


def _failed(place: str, job: Job) -> Response:
    path = address(f"/v1/jobs/{job.id}")
    if job.error is None:
        note(code="job_canceled")
        return error_answer("job_canceled", f"{place}: the job was canceled.", 409, job=path)
    note(code=job.error.code)
    status = _failed_status(job.error)
    headers = {"Retry-After": "10"} if status == 503 else {}
    return error_answer(job.error.code, f"{place}: {job.error.detail}", status, headers, job=path)


def _failed_status(error: JobError) -> int:
    """Return 400 if another request could succeed, 503 if the same may later, otherwise 500."""
    known = PROBLEMS.get(error.code)
    if known and known.status:
        return protocol_status(known.status)
    if error.retryable:
        return 503
    return 500 if known is None or known.fault else 400


def _addresses(jobs: list[Job]) -> list[str]:
    return [address(f"/v1/jobs/{job.id}") for job in jobs]
