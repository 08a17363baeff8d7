"""The errors that a client raises.

RetinoscopeError
  ConnectionFailed   no response came
  APIError           the server refused the request, or failed
  JobFailed          the job failed
  JobCanceled        the job was canceled
  WaitTimeout        the job has not ended in time; it goes on
  WebhookError       a message does not come from the server, or is old
"""

from collections.abc import Mapping
from typing import Any

from retinoscope_client.steps import Answer


class RetinoscopeError(Exception):
    """An error of this package. The message is a sentence that says what to do."""


class ConnectionFailed(RetinoscopeError):
    """No server answered."""


class APIError(RetinoscopeError):
    """The server refused a request. `code` is stable; `errors` names the parameters."""

    def __init__(self, answer: Answer) -> None:
        """Read the problem document (RFC 9457) of a response, or say what came instead."""
        found = answer.json()
        problem: Mapping[str, Any] = found if isinstance(found, dict) else {}
        self.status = answer.status
        self.code = str(problem.get("code", f"http_{answer.status}"))
        self.detail = str(problem.get("detail") or _unexpected(answer))
        self.errors: list[dict[str, str]] = list(problem.get("errors") or [])
        self.request_id = answer.headers.get("x-request-id")
        super().__init__(f"{self.detail} ({self.code})")

    @property
    def hint(self) -> str:
        """What is wrong with each parameter, one in a line; empty if no parameter is named."""
        return "\n".join(f"{each['pointer'].strip('/')}: {each['message']}" for each in self.errors)


class JobFailed(RetinoscopeError):
    """A job failed. If it is `retryable`, the same request may succeed later."""

    def __init__(self, error: Mapping[str, Any], job_id: str) -> None:
        """Read the `error` of a job."""
        self.code, self.detail = str(error["code"]), str(error["detail"])
        self.retryable = bool(error["retryable"])
        self.job_id = job_id
        super().__init__(f"{self.detail} ({self.code}, job {job_id})")


class JobCanceled(RetinoscopeError):
    """A job was canceled, so that it has no result."""


class WaitTimeout(RetinoscopeError, TimeoutError):
    """A job has not ended in time. It goes on: wait again, or cancel it."""


class WebhookError(RetinoscopeError):
    """A message is not signed with the secret, is older than five minutes, or is no message."""


def error_of(answer: Answer) -> RetinoscopeError:
    """Return the error of an answer that is no success."""
    return APIError(answer) if answer.status else ConnectionFailed(answer.body.decode())


def _unexpected(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        place = answer.headers.get("location", "another address")
        words = "No redirect is followed, so that the key goes to no other host"
        return f"The server redirects to {place}. {words}. Use that URL if it is right."
    return f"The response {answer.status} is not one of Retinoscope. Is the URL right?"
