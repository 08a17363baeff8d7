"""What a client is told when a job fails: a stable code and a safe sentence. Details go to the log only."""

import torch

from catalog.errors import CatalogError
from jobs.errors import NotFound
from jobs.model import JobError
from workers.models.errors import ModelError
from workers.toolkit.errors import TechniqueError


def explain(error: Exception) -> JobError:
    """Any exception → code, title, sentence, and whether to try again makes sense."""
    match error:
        case CatalogError():
            return JobError(code=error.code, title="The request cannot be carried out", detail=error.detail)
        case ModelError():
            return JobError(code=error.code, title=error.title, detail=str(error), retryable=error.retryable)
        case TechniqueError():
            return JobError(code=error.code, title=error.title, detail=str(error))
        case NotFound():
            detail = "An image or array of this job is no longer stored. Upload it again and make a new job."
            return JobError(code="input_gone", title="An input is gone", detail=detail)
        case torch.OutOfMemoryError() | MemoryError():
            detail = "The device ran out of memory. Use a smaller model or try again later."
            return JobError(code="model_out_of_memory", title="Out of memory", detail=detail, retryable=True)
        case _:
            detail = "The worker met an error that it does not know; its log, under this job's id, says more."
            return JobError(code="internal_error", title="Internal error", detail=detail, retryable=True)
