"""What a worker child does with one job or several at once, and what its log says of a failure."""

import threading
import time

import pytest
from redis import RedisError

from jobs.job_request import JobRequest
from jobs.lease import Lease
from jobs.settings import Settings
from jobs.store import JobStore
from workers.attempts import AttemptRunner, Outcome
from workers.models.errors import WeightsUnavailable
from workers.runner import Runner
from workers.toolkit.errors import NoStart


def test_all_attempts_are_waited_for_even_if_one_raises(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leases end when the call returns, and no attempt may be running then."""
    runner, ended = Runner(settings, lambda: False), threading.Event()

    def run(self: AttemptRunner, lease: str, batch_size: int) -> Outcome:
        if lease == "broken":
            raise RedisError
        time.sleep(0.3)
        ended.set()
        return Outcome.SUCCEEDED

    monkeypatch.setattr(AttemptRunner, "run", run)
    with pytest.raises(RedisError):
        runner._run_attempts(["broken", "slow"])
    assert ended.is_set()


def caused(error: Exception, by: Exception) -> Exception:
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    ("error", "code", "traceback"),
    [
        (NoStart("Send an image."), "start_missing", False),
        (
            caused(WeightsUnavailable("Not at hand."), OSError("no route")),
            "weights_unavailable",
            True,
        ),
        (ValueError("odd"), "internal_error", True),
    ],
)
def test_a_traceback_is_logged_if_it_says_more_than_the_clients_error(
    settings: Settings,
    store: JobStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    code: str,
    traceback: bool,
) -> None:
    def fail(self: AttemptRunner, lease: Lease, batch_size: int) -> None:
        raise error

    new = JobRequest(
        owner="ada", technique="saliency", model="m", queue="fast", params={"model": "m"}
    )
    job, runner = store.create(new), Runner(settings, lambda: False)
    monkeypatch.setattr(AttemptRunner, "_execute", fail)
    runner.run(job.id, "fast")
    failed = store.get(job.id).error
    assert failed is not None and failed.code == code
    (record,) = [record for record in caplog.records if job.id in record.getMessage()]
    assert code in record.getMessage() and bool(record.exc_info) is traceback
