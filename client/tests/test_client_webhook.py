"""Messages to a webhook, signed by the library of Standard Webhooks."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Standard

from retinoscope_client import Webhook, WebhookError

SECRET = "whsec_" + b64encode(b"0123456789abcdef01234567").decode()
BODY = json.dumps({"type": "job.succeeded", "timestamp": "2026-11-30T12:00:00Z", "data": {"id": 1}})


def headers(body: str = BODY, secret: str = SECRET, seconds: int = 0) -> dict[str, str]:
    when = datetime.now(UTC) + timedelta(seconds=seconds)
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(when.timestamp())),
        "Webhook-Signature": Standard(secret).sign("msg_1", when, body),
    }


def test_a_message_of_the_library() -> None:
    message = Webhook(SECRET).unwrap(BODY.encode(), headers())
    assert (message["id"], message["type"], message["data"]) == (
        "msg_1",
        "job.succeeded",
        {"id": 1},
    )


def test_one_of_two_signatures_is_enough() -> None:
    other = "whsec_" + b64encode(b"another secret").decode()
    both = headers()
    both["Webhook-Signature"] = (
        headers(secret=other)["Webhook-Signature"] + " " + both["Webhook-Signature"]
    )
    assert Webhook(SECRET).unwrap(BODY.encode(), both)
    with pytest.raises(WebhookError, match="No signature"):
        Webhook(SECRET).unwrap(BODY.encode(), headers(secret=other))


@pytest.mark.parametrize("seconds", [-290, 290])
def test_five_minutes_are_allowed(seconds: int) -> None:
    assert Webhook(SECRET).unwrap(BODY.encode(), headers(seconds=seconds))


@pytest.mark.parametrize("seconds", [-320, 320])
def test_six_minutes_are_not(seconds: int) -> None:
    with pytest.raises(WebhookError, match="five minutes"):
        Webhook(SECRET).unwrap(BODY.encode(), headers(seconds=seconds))


def test_another_body_is_refused() -> None:
    with pytest.raises(WebhookError, match="No signature"):
        Webhook(SECRET).unwrap(BODY.replace("1", "2").encode(), headers())
    with pytest.raises(WebhookError, match="as they came"):
        Webhook(SECRET).unwrap(json.loads(BODY), headers())
    with pytest.raises(WebhookError, match="no message"):
        Webhook(SECRET).unwrap(b"[1]", headers("[1]"))


def test_bad_secrets() -> None:
    for secret in ("", "whsec_", "whsec_ä", "whsec_a"):
        with pytest.raises(WebhookError):
            Webhook(secret)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(headers(), st.text())))
def test_no_headers_raise_another_error(wrong: dict[str, str]) -> None:
    with pytest.raises(WebhookError):
        Webhook(SECRET).unwrap(BODY.encode(), headers() | {"Webhook-Id": ""} | wrong)
