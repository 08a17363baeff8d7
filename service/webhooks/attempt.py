"""One signed POST by Standard Webhooks 1.0: id, time of the attempt, signatures."""

from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from service.outgoing.transport import Answer, Transport
from service.outgoing.url_rules import CheckedUrl

TIMEOUT_S = 15.0
# Of the answer's body. It is read so that the receiver can finish, and thrown away.
_MAX_ANSWER = 65_536


async def attempt(
    transport: Transport, url: CheckedUrl, message_id: str, body: bytes, secrets: Sequence[str]
) -> Answer:
    """Send a message, with one signature for each secret. Raises NoAnswer."""
    headers = signed_headers(message_id, body, secrets)
    return await transport.send("POST", url, headers, body, limit=_MAX_ANSWER, timeout_s=TIMEOUT_S)


def signed_headers(message_id: str, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers of an attempt that is made now."""
    # The library takes the numbers of the time as UTC, whatever its zone is.
    now = datetime.now(UTC)
    signatures = [Webhook(secret).sign(message_id, now, body.decode()) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
