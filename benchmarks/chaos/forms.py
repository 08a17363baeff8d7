"""How many jobs a run has, and how often it is struck."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Form:
    """The numbers of jobs and strikes of a run."""

    jobs: int
    worker_kills: int
    redis_kills: int
    api_kills: int
    pauses: int
    workers: int = 3
    slow_share: float = 0.10
    toxic_share: float = 0.01
    canceled_share: float = 0.06
    # Of jobs that have one of their kind shortly before them.
    twin_share: float = 0.10


SHORT = Form(jobs=150, worker_kills=8, redis_kills=2, api_kills=1, pauses=3)
LONG = Form(jobs=1000, worker_kills=40, redis_kills=10, api_kills=5, pauses=10)

LEASE_S = 3.0
PAUSE_S = 2 * LEASE_S
# More than the default of 3: a run has a hundred times the crashes of a bad day, and hits harmless
# jobs repeatedly.
MAX_ATTEMPTS = 5
MAX_QUEUED = 30

ENVIRONMENT = {
    # Workers do not import from the current folder; the networks of the run are in this package.
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "RETINOSCOPE_LEASE_S": str(LEASE_S),
    "RETINOSCOPE_PUBLISH_GRACE_S": "2",
    "RETINOSCOPE_CHECKPOINT_EVERY_S": "0.5",
    "RETINOSCOPE_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
    "RETINOSCOPE_MAX_QUEUED": str(MAX_QUEUED),
    "RETINOSCOPE_JOB_TTL_S": "7200",
    "RETINOSCOPE_THREADS": "1",
    "RETINOSCOPE_WARM_MODELS": '["tiny"]',
    "OMP_NUM_THREADS": "1",
}
