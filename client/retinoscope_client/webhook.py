"""Messages of the server to a webhook: Standard Webhooks 1.0.0, signatures of version 1."""

import hmac
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from retinoscope_client.errors import WebhookError

TOLERANCE_S = 300


class Webhook:
    """The receiver of an owner's messages, with the secret of `GET /v1/webhooks/secret`."""

    def __init__(self, secret: str) -> None:
        """Read the secret, `whsec_…`. Raises WebhookError."""
        try:
            self._secret = b64decode(secret.removeprefix("whsec_") or "!", validate=True)
        except ValueError:
            raise WebhookError("The secret is not `whsec_` and base64.") from None

    def unwrap(self, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the message if it is signed with the secret and at most five minutes off.

        It has `type`, `timestamp`, `data`, and the `id` that it keeps if it is sent again. `body`
        are the bytes as they came: the same JSON, written anew, has another signature. Raises
        WebhookError.
        """
        if not isinstance(body, bytes):
            raise WebhookError("Pass the bytes of the body as they came, before any JSON is read.")
        sent = {str(name).lower(): str(value) for name, value in headers.items()}
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        message_id, when, signatures = (sent.get(name, "") for name in names)
        if not (when.isascii() and when.isdigit() and len(when) < 16):
            raise WebhookError("The header webhook-timestamp is missing, or no number of seconds.")
        if abs(time.time() - int(when)) > TOLERANCE_S:
            raise WebhookError("The message is older, or newer, than five minutes.")
        signed = f"{message_id}.{when}.".encode() + body
        expected = b64encode(hmac.digest(self._secret, signed, "sha256"))
        given = [part[3:].encode() for part in signatures.split() if part.startswith("v1,")]
        # All are compared, in constant time: there are two while a secret is replaced.
        if not sum([hmac.compare_digest(expected, each) for each in given]):
            raise WebhookError("No signature is that of the secret.")
        try:
            return {"id": message_id, **json.loads(body)}
        except (ValueError, TypeError):
            raise WebhookError("The body is signed, but is no message.") from None
