"""Maps every exception that a request can raise to a problem document."""

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from obstore.exceptions import BaseError as ObjectStoreError
from redis import ConnectionError as RedisConnectionError
from redis import RedisError
from redis import TimeoutError as RedisTimeoutError
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from starlette.exceptions import HTTPException

from catalog.errors import CatalogError
from jobs.errors import (
    ImageSetFull,
    KeysMissing,
    KeysUnreadable,
    NotFound,
    QueueFull,
    StillRunning,
    StoreBusy,
    StoreFull,
    TooManyImageSets,
    TooManyJobs,
)
from service.addresses import route_path
from service.allowed_methods import allowed_methods
from service.problems import Problem, invalid, problem_response

log = logging.getLogger(__name__)

_HANDLED: tuple[type[Exception], ...] = (
    Problem,
    CatalogError,
    NotFound,
    StillRunning,
    StoreBusy,
    QueueFull,
    StoreFull,
    TooManyJobs,
    ImageSetFull,
    TooManyImageSets,
    KeysMissing,
    KeysUnreadable,
    RedisError,
    ObjectStoreError,
    RequestValidationError,
    HTTPException,
)

_UNCERTAIN = (
    "It is not certain that the request was accepted. Send it again in a moment. With an "
    "Idempotency-Key that never creates a second job."
)
_REDIS_AWAY = f"Redis, which holds the records of jobs, does not respond. {_UNCERTAIN}"
_ARTIFACTS_AWAY = (
    "The artifact store, which holds images and results, does not respond; Redis does. "
    f"{_UNCERTAIN}"
)
_BUSY = "The same bytes, stored before, are being deleted. Send the request again in a moment."

_KEYS_MISSING = (
    "There were API keys, and their file is missing. Nobody is let in until it is back; see "
    "docs/operations.md on how to remove keys on purpose."
)
_KEYS_UNREADABLE = "The file of API keys cannot be read. It is read again at the next request."

_CODES = {
    400: "invalid_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
}
_DETAILS = {
    404: "GET /docs shows every call. All calls except the health checks begin with /v1 or /v2.",
    405: "The Allow header lists the methods of this address. GET /docs shows every call.",
}


def install_handlers(app: FastAPI) -> None:
    """Answer these exceptions with problem documents. Every other one reaches `RequestLog`."""
    for kind in _HANDLED:
        app.add_exception_handler(kind, answer_error)


async def answer_error(request: Request, error: Exception) -> Response:
    """Return the problem document of any exception, and log those of the server."""
    problem = to_problem(error)
    path = route_path(request.scope)
    if problem.status == 405 and (methods := allowed_methods(request.app, path)):
        problem.headers["Allow"] = methods
    if problem.status >= 500:
        log.error(
            "%s %s: %s",
            request.method,
            path,
            type(error).__name__,
            exc_info=None if _is_expected(error) else error,
        )
    return problem_response(problem, request.scope)


def _is_expected(error: Exception) -> bool:
    """Return whether the log needs no traceback."""
    return isinstance(
        error,
        Problem
        | QueueFull
        | StoreFull
        | KeysMissing
        | KeysUnreadable
        | RedisConnectionError
        | RedisTimeoutError,
    )


def to_problem(error: Exception) -> Problem:
    """Return the problem with which an exception is answered."""
    match error:
        case Problem():
            return error
        case CatalogError():
            return Problem(error.code, error.detail, error.errors)
        case NotFound():
            return Problem("not_found", "It does not exist, or it belongs to another key.")
        case StillRunning():
            return Problem("job_running", "The job is running. Cancel it first with POST …/cancel.")
        case QueueFull():
            return Problem(
                "queue_full", "The queue of this server has reached its limit. Retry later."
            )
        case StoreFull():
            return Problem(
                "store_full",
                f"{error} of the memory of Redis is used, and the rest is kept for jobs that were "
                "accepted. Delete jobs, or retry later.",
            )
        case TooManyJobs():
            return _too_many_jobs(error)
        case ImageSetFull():
            return Problem("image_set_full", "Create another image set with POST /v1/image-sets.")
        case TooManyImageSets():
            return Problem(
                "too_many_image_sets",
                "Delete an image set that you do not need: DELETE /v1/image-sets/{id}.",
            )
        case KeysMissing():
            return Problem("keys_unavailable", _KEYS_MISSING)
        case KeysUnreadable():
            return Problem("keys_unavailable", _KEYS_UNREADABLE)
        case RedisConnectionError() | RedisTimeoutError() | ReadOnlyError() | OutOfMemoryError():
            return Problem("store_unavailable", _REDIS_AWAY)
        case ObjectStoreError():
            return Problem("artifact_store_unavailable", _ARTIFACTS_AWAY)
        case StoreBusy():
            return Problem("artifact_store_unavailable", _BUSY)
        case RequestValidationError():
            return invalid(error.errors(), skip=1)
        case HTTPException():
            code = _CODES.get(error.status_code, "invalid_request")
            detail = _DETAILS.get(error.status_code, str(error.detail))
            return Problem(code, detail, status=error.status_code, headers=error.headers)
        case _:
            return Problem("internal_error", "The error has been logged. A retry may help.")


def _too_many_jobs(error: TooManyJobs) -> Problem:
    return Problem(
        "too_many_jobs",
        f"You have {error.unfinished:,} waiting or running jobs, and the limit is {error.limit:,}. "
        "Wait until some have ended, or cancel some.",
    )
