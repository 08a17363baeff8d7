"""What a client is told when a job fails: a stable code and a safe sentence. Details go to the log only."""

from collections.abc import Collection

from catalog.errors import CatalogError
from jobs.errors import NotFound
from jobs.model import JobError
from workers.models.errors import ModelError
from workers.toolkit.errors import OutOfMemory, TechniqueError
from workers.toolkit.execution.device_memory import is_out_of_memory

# Parameters that decide how much memory one step takes.
_SIZES = ("size", "count", "octaves")


def job_error(error: Exception, params: Collection[str] = ()) -> JobError:
    """Any exception → code, title, sentence, and whether to try again makes sense. `params` are names."""
    if is_out_of_memory(error):
        return _no_memory(error, params)
    match error:
        case CatalogError():
            return JobError(
                code=error.code, title="The request cannot be carried out", detail=error.detail
            )
        case ModelError():
            return JobError(
                code=error.code, title=error.title, detail=str(error), retryable=error.retryable
            )
        case TechniqueError():
            return JobError(
                code=error.code, title=error.title, detail=str(error), retryable=error.retryable
            )
        case NotFound():
            detail = "An image or array of this job is no longer stored. Upload it again and make a new job."
            return JobError(code="input_gone", title="An input is gone", detail=detail)
        case _:
            detail = "The worker met an error that it does not know; its log, under this job's id, says more."
            return JobError(
                code="internal_error", title="Internal error", detail=detail, retryable=True
            )


def _no_memory(error: Exception, params: Collection[str]) -> JobError:
    found = (
        str(error) if isinstance(error, OutOfMemory) else "The worker's device ran out of memory."
    )
    lower = [f"`{name}`" for name in _SIZES if name in params]
    advice = (
        f"Lower {' or '.join(lower)}, or use a smaller model" if lower else "Use a smaller model"
    )
    detail = f"{found} {advice}; or try again when the device has more room."
    return JobError(
        code=OutOfMemory.code,
        title=OutOfMemory.title,
        detail=detail,
        retryable=OutOfMemory.retryable,
    )
