"""Exceptions of this package. The API maps them to HTTP statuses in one place."""


class JobsError(Exception):
    """Base class of this package's errors."""


class NotFound(JobsError):
    """The job, image or artifact does not exist, or it belongs to another owner."""


class ImageNotFound(NotFound):
    """An image to be added to a set is not stored. The argument is its id."""


class ImageSetFull(JobsError):
    """The set would hold more images or bytes than the settings allow."""


class TooManyImageSets(JobsError):
    """The owner has as many image sets as the settings allow."""


class StillRunning(JobsError):
    """The job must end before the operation is possible."""


class StoreBusy(JobsError):
    """The sweep has been deleting the same bytes for too long."""


class QueueFull(JobsError):
    """As many jobs wait as the settings allow."""


class KeyReused(JobsError):
    """The idempotency key was used for a different request."""


class KeyTaken(JobsError):
    """The reservation of the idempotency key expired, and another request has reserved the key."""


class ResultExists(JobsError):
    """An identical job already has a result. The argument is its id."""


class OtherWeights(JobsError):
    """The model's weights have changed since the job's work key was computed."""


class TooLate(JobsError):
    """The files that were copied for a new record may have been deleted by now."""


class StoreFull(JobsError):
    """Redis has little memory left. The argument is the share that is used."""


class TooManyJobs(JobsError):
    """The owner has as many unfinished jobs as they may have. The arguments are both numbers."""

    def __init__(self, unfinished: int, limit: int) -> None:
        super().__init__(unfinished, limit)
        self.unfinished = unfinished
        self.limit = limit


class LeaseLost(JobsError):
    """The worker no longer holds the job, and its writes are refused."""


class Canceled(JobsError):
    """A client has canceled the job."""


class DeadlineExceeded(JobsError):
    """The job's deadline has passed, and its record says so already."""


class GivenBack(JobsError):
    """The worker is stopping, and the job returns to its queue."""


class KeysUnreadable(JobsError):
    """The file of API keys cannot be read. The argument is its name."""


class KeysMissing(JobsError):
    """There were API keys, and their file is gone. The argument is its name."""
