"""Names of everything kept in Redis. Every key expires."""

PREFIX = "retinoscope:"
CHANGES = f"{PREFIX}changes"
LEASED = f"{PREFIX}leased"
WAITING = f"{PREFIX}waiting"
EXPIRING = f"{PREFIX}expiring"
COUNTERS = f"{PREFIX}counters"
WORKERS = f"{PREFIX}workers"


def job(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}"


def events(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}:events"


def owner_jobs(owner: str) -> str:
    return f"{PREFIX}owner:{owner}:jobs"


def image(owner: str, digest: str) -> str:
    return f"{PREFIX}owner:{owner}:image:{digest}"


def description(model: str) -> str:
    return f"{PREFIX}model:{model}"
