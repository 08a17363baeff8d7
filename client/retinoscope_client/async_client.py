"""The client for code that runs several calls at once, with asyncio."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import httpx2

from retinoscope_client.calls import Calls
from retinoscope_client.image_sets import ImageSet
from retinoscope_client.jobs import BaseJob
from retinoscope_client.results import BaseResult, File
from retinoscope_client.retries import retried
from retinoscope_client.settings import no_answer
from retinoscope_client.steps import Answer, Flow, NextLine, Pause, Request, Step

Rows = Awaitable[list[dict[str, Any]]]


class AsyncResult(BaseResult[Awaitable[File], Awaitable[list[Path]]]):
    """The result of an `AsyncJob`. `await result.fetch(name)` returns a file."""


class AsyncJob(BaseJob[Awaitable[AsyncResult], Awaitable[None], Rows]):
    """A job of an `AsyncClient`."""

    result_type = AsyncResult


Jobs = Awaitable[list[AsyncJob]]


class AsyncClient(
    Calls[Awaitable[AsyncJob], Awaitable[AsyncResult], Rows, Awaitable[ImageSet], Jobs]
):
    """The same as `Client`, with `await` before each call and in front of `wait` and `fetch`."""

    job_type = AsyncJob
    http_type = httpx2.AsyncClient

    async def call(self, flow: Flow[Any]) -> Any:
        """Do what a flow (steps.py) asks for, and return its value."""
        flow, answer = retried(flow, self._retries), None
        async with AsyncExitStack() as stream:
            try:
                while True:
                    answer = await self._do(flow.send(answer), stream)
            except StopIteration as end:
                return end.value

    async def _do(self, step: Step, stream: AsyncExitStack) -> Any:
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds)
        try:
            if isinstance(step, NextLine):
                return await anext(step.lines, None)
            await stream.aclose()
            response = await self._http.send(self._http_request(step), stream=step.stream)
            stream.push_async_callback(response.aclose)
            streams = step.stream and response.status_code == 200
            body = b"" if streams else await response.aread()
            return Answer(response.status_code, response.headers, body, response.aiter_lines())
        except httpx2.RequestError as error:
            return no_answer(self.url, error) if isinstance(step, Request) else None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
