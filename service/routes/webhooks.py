"""The secret that signs an owner's webhooks, and a message to try a receiver with."""

import json
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from jobs.model import moment
from jobs.webhook_secrets import WebhookSecret
from service.dependencies import OwnerDep, ServicesDep
from service.job_request import MAX_WEBHOOK
from service.outgoing.transport import NoAnswer
from service.problems import invalid
from service.request_body import read_body
from service.webhook_option import checked_target
from service.webhooks.attempt import attempt

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


class WebhookSecretView(BaseModel):
    """The secret of the owner of the key."""

    secret: str = Field(description="`whsec_` and base64, as libraries for Standard Webhooks take.")
    previous_until: datetime | None = Field(
        description="Until when the secret before the last rotation signs, too; null without one."
    )


class WebhookTest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        max_length=MAX_WEBHOOK, description="The https address to which the message is posted."
    )


class WebhookTestOutcome(BaseModel):
    status_code: int | None = Field(
        description="Status of the answer; null without one. A webhook has arrived if it is 2xx."
    )
    seconds: float = Field(description="Time until the answer, or until it was given up.")


@router.get("/secret", operation_id="get_webhook_secret", summary="Get the secret of your webhooks")
def get_webhook_secret(
    owner: OwnerDep, services: ServicesDep, response: Response
) -> WebhookSecretView:
    """Return the secret of the owner of the key. It is made when it is first read or used."""
    return _view(services.webhook_secrets.of(owner), response)


@router.post(
    "/secret/rotate",
    operation_id="rotate_webhook_secret",
    summary="Replace the secret of your webhooks",
)
def rotate_webhook_secret(
    owner: OwnerDep, services: ServicesDep, response: Response
) -> WebhookSecretView:
    """Make a new secret. For 24 hours messages are signed with the one before, too."""
    return _view(services.webhook_secrets.rotate(owner), response)


@router.post(
    "/test",
    operation_id="test_webhook",
    summary="Try a receiver of webhooks",
    response_model=WebhookTestOutcome,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": WebhookTest.model_json_schema()}
                for kind in ("application/json", "multipart/form-data")
            },
        }
    },
)
async def test_webhook(
    request: Request, owner: OwnerDep, services: ServicesDep
) -> WebhookTestOutcome:
    """Post a signed message of the type `webhook.test`, once, and return what was answered."""
    sent = await read_body(request, (), {"url"})
    asked = _validate(sent.fields | sent.inputs)
    url = await checked_target(services, asked.url, "url")
    secret = await run_in_threadpool(services.webhook_secrets.of, owner)
    body = _message()
    start, status = time.monotonic(), None
    with suppress(NoAnswer):
        message_id = f"msg_{secrets.token_hex(16)}"
        answer = await attempt(services.transport, url, message_id, body, secret.all)
        status = answer.status
    seconds = round(time.monotonic() - start, 3)
    return WebhookTestOutcome(status_code=status, seconds=seconds)


def _view(secret: WebhookSecret, response: Response) -> WebhookSecretView:
    response.headers["Cache-Control"] = "no-store"
    return WebhookSecretView(secret=secret.secret, previous_until=moment(secret.previous_ms))


def _message() -> bytes:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": "webhook.test", "timestamp": now, "data": {}}).encode()


def _validate(fields: dict[str, Any]) -> WebhookTest:
    try:
        return WebhookTest.model_validate(fields)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False)) from None
