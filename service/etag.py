"""Does the client have it already? If-None-Match (RFC 9110, section 13.1.2)."""

from fastapi import Request


def client_has(request: Request, etag: str) -> bool:
    """True if the header names this entity tag, or any by `*`."""
    named = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in named or "*" in named
