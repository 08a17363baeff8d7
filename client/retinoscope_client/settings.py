"""Where the server is, and which key opens it."""

import os
import re
from urllib.parse import urlsplit

from retinoscope_client.errors import RetinoscopeError
from retinoscope_client.steps import Answer

VERSION = "0.2.0"
DEFAULT_URL = "http://127.0.0.1:8000"


def settings(url: str | None, key: str | None) -> tuple[str, dict[str, str]]:
    """Return the server's URL and the headers of every request. Raises RetinoscopeError.

    URL and key come from RETINOSCOPE_URL and RETINOSCOPE_KEY by default. No message has the key.
    """
    url = (url or os.environ.get("RETINOSCOPE_URL") or DEFAULT_URL).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RetinoscopeError(f"{url!r} is not the URL of a server, such as {DEFAULT_URL}.")
    if parts.username is not None or parts.query or parts.fragment:
        raise RetinoscopeError("The URL has a user name, a query or a fragment. Leave it out.")
    headers = {"User-Agent": f"retinoscope-client/{VERSION}"}
    if key := key or os.environ.get("RETINOSCOPE_KEY"):
        if not (key.isascii() and key.isprintable() and key.strip() == key):
            raise RetinoscopeError("The key has characters that no key has. Copy it again.")
        headers["Authorization"] = f"Bearer {key}"
    return url, headers


def no_answer(url: str, error: Exception) -> Answer:
    """Return the answer that stands for a connection that failed."""
    words = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
    text = f"No answer from {url}: {words}. Is the server running, and the URL right?"
    return Answer(0, {}, text.encode())
