"""The client for code that waits for each call."""

import time
from contextlib import ExitStack
from typing import Any, Self

import httpx2

from retinoscope_client.calls import Calls
from retinoscope_client.image_sets import ImageSet
from retinoscope_client.jobs import Job
from retinoscope_client.results import Result
from retinoscope_client.retries import retried
from retinoscope_client.settings import no_answer
from retinoscope_client.steps import Answer, Flow, NextLine, Pause, Request, Step


class Client(Calls[Job, Result, list[dict[str, Any]], ImageSet, list[Job]]):
    """A client of a server. Threads may share it, and it is a `with` block.

    Without arguments it reads RETINOSCOPE_URL and RETINOSCOPE_KEY. `timeout` are the seconds
    within which the server begins to answer. A request that may succeed later is sent up to
    `retries` times more. The errors are those of `retinoscope_client.errors`.
    """

    job_type = Job
    http_type = httpx2.Client

    def call(self, flow: Flow[Any]) -> Any:
        """Do what a flow (steps.py) asks for, and return its value."""
        flow, answer = retried(flow, self._retries), None
        with ExitStack() as stream:
            try:
                while True:
                    answer = self._do(flow.send(answer), stream)
            except StopIteration as end:
                return end.value

    def _do(self, step: Step, stream: ExitStack) -> Any:
        if isinstance(step, Pause):
            return time.sleep(step.seconds)
        try:
            if isinstance(step, NextLine):
                return next(step.lines, None)
            stream.close()
            response = self._http.send(self._http_request(step), stream=step.stream)
            stream.callback(response.close)
            streams = step.stream and response.status_code == 200
            body = b"" if streams else response.read()
            return Answer(response.status_code, response.headers, body, response.iter_lines())
        except httpx2.RequestError as error:
            return no_answer(self.url, error) if isinstance(step, Request) else None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
