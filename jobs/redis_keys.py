"""Names of everything kept in Redis. Every key expires."""

PREFIX = "retinoscope:"
CHANGES = f"{PREFIX}changes"
CANCELS = f"{PREFIX}cancels"
LEASED = f"{PREFIX}leased"
WAITING = f"{PREFIX}waiting"
EXPIRING = f"{PREFIX}expiring"
COUNTERS = f"{PREFIX}counters"
WORKERS = f"{PREFIX}workers"
SWEPT = f"{PREFIX}swept"
FIRST_SWEPT = (
    f"{PREFIX}first-swept"  # when orphans were first looked for with this Redis, in seconds
)


def job(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}"


def events(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}:events"


def owner_jobs(owner: str) -> str:
    return f"{PREFIX}owner:{owner}:jobs"


def owner_open(owner: str) -> str:
    """Ids of jobs that have not ended, scored by when their records go."""
    return f"{PREFIX}owner:{owner}:open"


def work(owner: str, digest: str) -> str:
    """What jobs of the same work share: who leads, and who has a result. Beside it, with `:followers`, who waits."""
    return f"{PREFIX}owner:{owner}:work:{digest}"


def idempotency_key(owner: str, digest: str) -> str:
    return f"{PREFIX}owner:{owner}:key:{digest}"


def upload(kind: str, owner: str, digest: str) -> str:
    """Of that kind: image or array."""
    return f"{PREFIX}owner:{owner}:{kind}:{digest}"


def leaving(kind: str, owner: str, digest: str) -> str:
    """While the sweep deletes the bytes of an upload, nobody may store them."""
    return f"{PREFIX}owner:{owner}:leaving:{kind}:{digest}"


def image_set(owner: str, set_id: str) -> str:
    return f"{PREFIX}owner:{owner}:set:{set_id}"


def set_images(owner: str, set_id: str) -> str:
    """Digests, scored by their number in the set."""
    return f"{PREFIX}owner:{owner}:set:{set_id}:images"


def owner_sets(owner: str) -> str:
    """Ids, scored by their expiry."""
    return f"{PREFIX}owner:{owner}:sets"


def weights(model: str) -> str:
    """The digest of its weights."""
    return f"{PREFIX}weights:{model}"


def description(model: str) -> str:
    return f"{PREFIX}model:{model}"
