"""A job as it was last read, and what one can do with it."""

from html import escape
from typing import Any, ClassVar, Generic, TypeVar

from retinoscope_client.errors import JobCanceled, JobFailed, RetinoscopeError
from retinoscope_client.progress import Report, reporting, text
from retinoscope_client.results import BaseResult, Result
from retinoscope_client.steps import Call, Flow, Request, listed
from retinoscope_client.waiting import FINAL, until_final

R = TypeVar("R")
N = TypeVar("N")
L = TypeVar("L")


class BaseJob(Generic[R, N, L]):
    """A job. `data` is all that the server said of it when it was last read."""

    result_type: ClassVar[type[BaseResult[Any, Any]]]

    def __init__(self, data: dict[str, Any], call: Call) -> None:
        """Take the job of the API, and what runs the flows of its calls."""
        self.data, self._call = data, call
        self._path = f"/v1/jobs/{data['id']}"

    @property
    def id(self) -> str:
        """Id of the job."""
        return str(self.data["id"])

    @property
    def status(self) -> str:
        """`queued`, `running`, `succeeded`, `failed` or `canceled`."""
        return str(self.data["status"])

    def wait(self, timeout: float | None = None, progress: bool | Report = True) -> R:
        """Return the result once the job has succeeded.

        A bar is shown where standard error is a terminal or a notebook. `progress` may also be a
        function. Raises JobFailed, JobCanceled, or WaitTimeout after `timeout` seconds.
        """
        return self._call(self.waited(timeout, progress))

    def refresh(self) -> N:
        """Read the job again."""
        return self._call(self._read(Request("GET", self._path)))

    def cancel(self) -> N:
        """Ask the job to stop."""
        return self._call(self._read(Request("POST", f"{self._path}/cancel")))

    def delete(self) -> N:
        """Delete the job with its files."""
        return self._call(self._read(Request("DELETE", self._path)))

    def rows(self, **filters: Any) -> L:
        """Return what became of each image of a batch: with `status="failed"`, of those."""
        return self._call(listed(f"/v1/batches/{self.id}/results", None, filters))

    def result(self) -> Any:
        """Return the result of a job that has ended, as `wait` does, without asking the server."""
        if self.status == "failed":
            raise JobFailed(self.data["error"], self.id)
        if self.status == "canceled":
            raise JobCanceled(f"Job {self.id} was canceled.")
        if self.status not in FINAL:
            raise RetinoscopeError(f"Job {self.id} has not ended. wait() waits for its result.")
        return self.result_type(self.data, self._path, self._call)

    def waited(self, timeout: float | None, progress: bool | Report) -> Flow[Any]:
        """Return the flow of `wait`."""
        with reporting(str(self.data["technique"]), progress) as report:
            self.data = yield from until_final(self._path, self.data, timeout, report)
        return self.result()

    def _read(self, request: Request) -> Flow[None]:
        self.data = (yield request).json() or self.data

    def __repr__(self) -> str:
        progress = self.data["progress"]
        line = text(self.data["technique"], progress) if progress else self.data["technique"]
        return f"<job {self.id}: {line}, {self.status}>"

    def _repr_html_(self) -> str:
        progress = self.data["progress"] or {"done": 0, "total": 1}
        bar = f"<progress value={progress['done']} max={progress['total']}></progress>"
        return f"{escape(self.data['technique'])} {bar} {self.status}"


class Job(BaseJob[Result, None, list[dict[str, Any]]]):
    """A job of a `Client`."""

    result_type = Result
