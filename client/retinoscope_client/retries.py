"""When a request is sent again, and after how many seconds."""

from random import random

from retinoscope_client.errors import APIError, error_of
from retinoscope_client.steps import Answer, Flow, Pause, Request, T

# A longer `Retry-After` is left to the caller.
MOST_PATIENCE_S = 120.0
_FIRST_S, _LONGEST_S, _JITTER = 0.5, 8.0, 0.25


def delay(answer: Answer, attempt: int) -> float | None:
    """Return the seconds before the next attempt; None if another cannot help.

    Attempts are counted from 0. Retried are lost connections, 408, 429, 5xx, and a 409 while a
    request with the same idempotency key is in progress. Without `Retry-After` the seconds are
    0.5 × 2ⁿ, at most 8, less up to a quarter, so that many clients do not return at once.
    """
    busy = answer.status == 409 and APIError(answer).code == "idempotency_in_progress"
    if not (answer.status in (0, 408, 429) or answer.status >= 500 or busy):
        return None
    asked = answer.headers.get("retry-after", "")
    if asked.isdecimal():  # it may also be a date
        return float(asked) if int(asked) <= MOST_PATIENCE_S else None
    return float(min(_FIRST_S * 2**attempt, _LONGEST_S) * (1 - _JITTER * random()))  # noqa: S311


def retried(flow: Flow[T], retries: int) -> Flow[T]:
    """Run a flow: repeat its requests where that helps, and raise what they fail with into it."""
    try:
        step = next(flow)
        while True:
            if not isinstance(step, Request):
                step = flow.send((yield step))
                continue
            answer = yield step
            for attempt in range(retries):
                if answer.status // 100 == 2 or (seconds := delay(answer, attempt)) is None:
                    break
                yield Pause(seconds)
                answer = yield step
                if step.method == "DELETE" and answer.status == 404:
                    answer = Answer(204, {})  # an earlier attempt has deleted it
            step = flow.send(answer) if answer.status // 100 == 2 else flow.throw(error_of(answer))
    except StopIteration as end:
        value: T = end.value
        return value
