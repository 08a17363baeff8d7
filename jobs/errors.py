"""What can go wrong with a job, as exceptions. The API maps them to statuses in one place of its own."""


class JobsError(Exception):
    """Root of this package's errors."""


class NotFound(JobsError):
    """There is no such job, image or artifact, or it belongs to somebody else."""


class ImageNotFound(NotFound):
    """An image that should go into a set is not stored; its id is the argument."""


class ImageSetFull(JobsError):
    """The set would hold more images or bytes than the settings allow."""


class TooManyImageSets(JobsError):
    """The owner has as many image sets as the settings allow."""


class StillRunning(JobsError):
    """The job must end before this can be done."""


class StoreBusy(JobsError):
    """The same bytes are being deleted, and that takes too long."""


class QueueFull(JobsError):
    """As many jobs wait as the settings allow."""


class KeyReused(JobsError):
    """The idempotency key was used for another request."""


class KeyTaken(JobsError):
    """The reservation of the idempotency key was over, and another request has it."""


class ResultThere(JobsError):
    """Another job with the same work has a result; its id is the argument."""


class OtherWeights(JobsError):
    """The model has other weights by now than the work was named with."""


class TooSlow(JobsError):
    """What was prepared for a record has run out of time."""


class TooManyJobs(JobsError):
    """The owner has as many jobs that have not ended as the settings allow."""


class LeaseLost(JobsError):
    """This worker no longer holds the job: its writes are refused."""


class Canceled(JobsError):
    """Somebody asked for this job to stop."""


class DeadlineExceeded(JobsError):
    """The job's deadline has passed, and its record says so already."""


class GivenBack(JobsError):
    """The worker is stopping: the job goes back to its queue."""
