"""What the client reads when a job fails: a stable code and a sentence without internals."""

from collections.abc import Collection

from catalog.errors import CatalogError
from catalog.problems import PROBLEMS
from jobs.errors import NotFound
from jobs.model import JobError
from workers.models.errors import ModelError
from workers.toolkit.errors import OutOfMemory, TechniqueError
from workers.toolkit.execution.device_memory import is_out_of_memory

# Parameters that decide how much memory one step takes.
_SIZES = ("size", "count", "octaves")

_INPUT_GONE = (
    "An image or array of this job is no longer stored. Upload it again and create a new job."
)
_UNKNOWN = "An unexpected error occurred in the worker. Its log has details under this job's id."


def job_error(error: Exception, params: Collection[str] = ()) -> JobError:
    """Return code, title, detail and whether to retry for any exception.

    `params` are the names of the job's parameters. Details of an unexpected error go only to the
    log.
    """
    if is_out_of_memory(error):
        return make_error(OutOfMemory.code, _out_of_memory_detail(error, params))
    match error:
        case CatalogError():
            return make_error(error.code, error.detail)
        case ModelError() | TechniqueError():
            return make_error(error.code, str(error))
        case NotFound():
            return make_error("input_gone", _INPUT_GONE)
        case _:
            return make_error("internal_error", _UNKNOWN)


def make_error(code: str, detail: str) -> JobError:
    """Return the error with what the table says of its code."""
    problem = PROBLEMS[code]
    return JobError(code=code, title=problem.title, detail=detail, retryable=problem.retryable)


def _out_of_memory_detail(error: Exception, params: Collection[str]) -> str:
    memory = "The worker's device ran out of memory."
    found = str(error) if isinstance(error, OutOfMemory) else memory
    lower = [f"`{name}`" for name in _SIZES if name in params]
    advice = "Use a smaller model"
    if lower:
        advice = f"Lower {' or '.join(lower)}, or use a smaller model"
    return f"{found} {advice}, or try again when the device has more memory."
