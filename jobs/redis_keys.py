"""Names and lifetimes of everything that this package keeps in Redis. Every key expires."""

from jobs.version import VERSION

PREFIX = "retinoscope:"
# Of jobs that take seconds, and of those that take minutes.
QUEUES = ("fast", "slow")

# Channels. Each message on CHANGES is a topic: a job id, `model:<name>` or the key of an
# idempotency key. Each message on CANCELS is the id of a running job.
CHANGES = f"{PREFIX}changes"
CANCELS = f"{PREFIX}cancels"

# Sorted sets, scored by a time. EXPIRING holds the members that the functions below name.
LEASED = f"{PREFIX}leased"
WAITING = f"{PREFIX}waiting"
EXPIRING = f"{PREFIX}expiring"
# The ids of ended jobs, scored by when their records move to the object store.
ARCHIVING = f"{PREFIX}archiving"
# Exists while one process moves records.
ARCHIVING_TURN = f"{PREFIX}archiving-turn"
WORKERS = f"{PREFIX}workers"
# The owners of webhooks that are not over, scored by when the next is due; and these webhooks,
# scored by when they were written.
OWNERS_DUE = f"{PREFIX}deliveries-due"
DELIVERIES_OPEN = f"{PREFIX}deliveries-open"

# Exists once an API has seen API keys, so that it wants them even if their file is gone.
KEYS_SEEN = f"{PREFIX}keys-seen"

COUNTERS = f"{PREFIX}counters"
# What was counted and measured (jobs/statistics.py).
STATISTICS = f"{PREFIX}statistics"
SWEPT = f"{PREFIX}swept"
# The time in seconds at which orphans were first searched for with this Redis.
FIRST_SWEPT = f"{PREFIX}first-swept"

# A record outlives its expiry by this much, so that the sweep still finds its files.
RECORD_GRACE_MS = 3_600_000
# A collection of many jobs outlives the last of them by this much.
COLLECTION_GRACE_MS = 86_400_000
# The events of a job that has ended are dropped after this time. The record says how it ended.
EVENTS_AFTER_END_MS = 3_600_000
# What was used on a day is kept for so long after its last job.
USAGE_KEPT_MS = 2 * 86_400_000
# The upper bounds of the buckets of histograms. A longer time is in the bucket `inf`.
BUCKETS_MS = (
    *(50, 100, 250, 500, 1_000, 2_500, 5_000),
    *(10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000),
)
# An event stream is trimmed to about this many entries, and never to fewer.
EVENTS_KEPT = 1000


def job(job_id: str) -> str:
    """Return the key of a job's record."""
    return f"{PREFIX}job:{job_id}"


def events(job_id: str) -> str:
    """Return the key of a job's event stream."""
    return f"{PREFIX}job:{job_id}:events"


def owner_jobs(owner: str) -> str:
    """Return the key of the ids of an owner's jobs."""
    return f"{PREFIX}owner:{owner}:jobs"


def owner_open(owner: str) -> str:
    """Return the key of the ids of an owner's unfinished jobs, scored by when their records go."""
    return f"{PREFIX}owner:{owner}:open"


def owner_ready(owner: str, queue: str) -> str:
    """Return the key of the ids of an owner's jobs that a worker may pick from that queue."""
    return f"{PREFIX}owner:{owner}:ready:{queue}"


def owner_running(owner: str) -> str:
    """Return the key of the ids of an owner's running jobs, scored by the end of their leases."""
    return f"{PREFIX}owner:{owner}:running"


def owner_usage(owner: str, day: int | str) -> str:
    """Return the key of what an owner's jobs cost that have begun on that day since 1970."""
    return f"{PREFIX}owner:{owner}:usage:{day}"


def queued(queue: str) -> str:
    """Return the key of the ids of the jobs that wait for a worker of a queue, by since when."""
    return f"{PREFIX}queued:{queue}"


def worker(name: str) -> str:
    """Return the key of what a worker tells of itself."""
    return f"{PREFIX}worker:{name}"


def webhook_secret(owner: str) -> str:
    """Return the key of the secret that signs an owner's webhooks."""
    return f"{PREFIX}owner:{owner}:webhook-secret"


def delivery(message_id: str) -> str:
    """Return the key of what is known of the delivery of one message."""
    return f"{PREFIX}delivery:{message_id}"


def owner_due(owner: str) -> str:
    """Return the key of the hosts of an owner's deliveries, scored by when the next is due."""
    return f"{PREFIX}owner:{owner}:deliveries"


def host_due(owner: str, host: str) -> str:
    """Return the key of an owner's deliveries to a host, scored by when they are due."""
    return f"{PREFIX}owner:{owner}:deliveries:{host}"


def fair_starts(queue: str) -> str:
    """Return the key of the owners who wait in a queue, scored by their next start time."""
    return f"{PREFIX}fair:{queue}:starts"


def fair_debts(queue: str) -> str:
    """Return the key of the owners whose next start time in a queue is later than its clock."""
    return f"{PREFIX}fair:{queue}:debts"


def fair_clock(queue: str) -> str:
    """Return the key of the virtual clock of a queue."""
    return f"{PREFIX}fair:{queue}:clock"


def work(owner: str, digest: str) -> str:
    """Return the key of what identical jobs share: their leader, and the last one with a result."""
    return f"{PREFIX}owner:{owner}:work:{digest}"


def followers(work_key: str) -> str:
    """Return the key of the ids of the jobs that follow the leader of that work."""
    return f"{work_key}:followers"


def idempotency_key(owner: str, digest: str) -> str:
    """Return the key that holds the reservation or the job of an idempotency key."""
    return f"{PREFIX}owner:{owner}:key:{digest}"


def upload(kind: str, owner: str, digest: str) -> str:
    """Return the key of an upload's record. `kind` is `image` or `array`."""
    return f"{PREFIX}owner:{owner}:{kind}:{digest}"


def leaving(kind: str, owner: str, digest: str) -> str:
    """Return the key that forbids to store an upload while the sweep deletes its bytes."""
    return f"{PREFIX}owner:{owner}:leaving:{kind}:{digest}"


def image_set(owner: str, set_id: str) -> str:
    """Return the key of an image set's record."""
    return f"{PREFIX}owner:{owner}:set:{set_id}"


def set_images(owner: str, set_id: str) -> str:
    """Return the key of a set's image digests, scored by their position in the set."""
    return f"{PREFIX}owner:{owner}:set:{set_id}:images"


def owner_sets(owner: str) -> str:
    """Return the key of the ids of an owner's image sets, scored by their expiry."""
    return f"{PREFIX}owner:{owner}:sets"


def weights(model: str) -> str:
    """Return the key of the digest of a model's weights, as a worker of this version loaded them.

    Such a worker has tested the model, which an earlier version may have got wrong.
    """
    return f"{PREFIX}weights:{VERSION}:{model}"


def description(model: str) -> str:
    """Return the key of a model's description by workers of this version."""
    return f"{PREFIX}model:{VERSION}:{model}"


def description_failure(model: str) -> str:
    """Return the key of the reason why a worker could not describe a model lately."""
    return f"{PREFIX}model-failure:{VERSION}:{model}"


def expiring_job(job_id: str) -> str:
    """Return the member of EXPIRING that stands for a job."""
    return f"job:{job_id}"


def expiring_scratch(job_id: str) -> str:
    """Return the member of EXPIRING that stands for the checkpoints and previews of a job."""
    return f"scratch:{job_id}"


def expiring_upload(kind: str, owner: str, digest: str) -> str:
    """Return the member of EXPIRING that stands for an upload."""
    return f"{kind}:{owner}:{digest}"


def expiring_set(owner: str, set_id: str) -> str:
    """Return the member of EXPIRING that stands for an image set."""
    return f"set:{owner}:{set_id}"
