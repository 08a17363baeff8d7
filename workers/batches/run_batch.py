"""One attempt at a batch: from the first row that is not kept to the manifest."""

from collections.abc import Callable

from jobs.batch import POISONED, Trial
from jobs.batch_writer import MOST_PENDING_ROWS, BatchWriter
from jobs.errors import Canceled, GivenBack
from jobs.model import Artifact, JobError
from workers.batch_claims import MAX_BATCH
from workers.batches.row_runner import RowResult, RowRunner
from workers.failures import make_error
from workers.throttle import Throttle
from workers.toolkit.errors import TechniqueError

# Workers that crash while they run one row alone, until the row fails and the batch goes on.
_MOST_CRASHES = 2
# Images, one after another, that crash their workers, until the batch fails.
_MOST_POISONED = 5
# Behind the last kept row, the rows among which one may have crashed the worker.
_SUSPECTS = MOST_PENDING_ROWS + MAX_BATCH


class BatchFailed(TechniqueError):
    """No row of a batch succeeded."""

    code = "batch_failed"


class BatchPoisoned(TechniqueError):
    """One row after another crashes its workers."""

    code = "poisoned"


def run_batch(
    rows: RowRunner,
    writer: BatchWriter,
    progress: Callable[[int, int, str], None],
    keep_every_s: float,
) -> list[Artifact]:
    """Run what is not kept yet and return the artifacts: the manifest and the shards.

    `progress` raises when the batch must stop. Rows that are done by then are kept. Raises
    BatchFailed if no row succeeded, BatchPoisoned, and what ends the attempt.
    """
    try:
        _run_rows(rows, writer, progress, keep_every_s)
    except Canceled:
        writer.close_shard()
        raise
    except GivenBack:
        writer.keep()
        raise
    artifacts = writer.finish()
    state = writer.state
    if not state.succeeded and state.first_error:
        first = state.first_error
        raise BatchFailed(
            f"None of the {state.failed} images succeeded. The first failed with {first.code}: "
            f"{first.detail}"
        )
    return artifacts


def _run_rows(
    rows: RowRunner,
    writer: BatchWriter,
    progress: Callable[[int, int, str], None],
    keep_every_s: float,
) -> None:
    total, throttle = len(rows.images.images), Throttle(keep_every_s, at_once=False)
    suspected = _last_suspect(rows, writer)
    while writer.position < total:
        progress(writer.position, total, "images")
        if writer.position < suspected:
            results = [_try_alone(rows, writer)]
        else:
            results = rows.run(writer.position, rows.group(writer.position))
        for result in results:
            writer.add(result.row, result.files)
        if throttle.due or writer.is_full:
            with throttle.measured():
                writer.keep()
    progress(total, total, "images")


def _last_suspect(rows: RowRunner, writer: BatchWriter) -> int:
    """Return where rows need no longer run alone; 0 unless an attempt has crashed.

    An attempt that was given back does not count in the record, so that one which counts and is not
    the one that kept the last rows has crashed.
    """
    crashed = rows.lease.job.attempts > max(writer.before, 1)
    return writer.position + _SUSPECTS if crashed else 0


def _try_alone(rows: RowRunner, writer: BatchWriter) -> RowResult:
    """Run the next row alone, or fail it if it has crashed its workers twice.

    Raises BatchPoisoned.
    """
    index, trial = writer.position, writer.state.trial
    crashes = 0
    if trial is not None and trial.index == index:
        crashes = trial.crashes + (rows.lease.job.attempts > writer.before)
    image_id = rows.images.images[index]
    if crashes >= _MOST_CRASHES:
        return rows.failed(index, image_id, _poisoned(crashes))
    writer.keep(Trial(index=index, crashes=crashes))
    if (poisoned := writer.state.poisoned) >= _MOST_POISONED:
        raise BatchPoisoned(
            f"The last {poisoned} images each crashed the worker {_MOST_CRASHES} times while they "
            "ran alone. The rows are kept. Choose a smaller model, or parameters that cost less."
        )
    return rows.run(index, [image_id])[0]


def _poisoned(crashes: int) -> JobError:
    return make_error(
        POISONED,
        f"The worker crashed {crashes} times while it ran this image alone. The batch goes on "
        "without it.",
    )
