"""Compressed bodies are refused in words: nothing here would decompress them."""

from fastapi import Request

from service.problems import Problem

_MOST_SHOWN = 40
_AS_IT_IS = {"", "identity", "chunked"}


async def check_encoding(request: Request) -> None:
    """Refuse a body with a Content-Encoding, or a Transfer-Encoding but chunked (RFC 9110, 9112).

    A dependency of every route, behind that of the key. Raises Problem.
    """
    for header in ("content-encoding", "transfer-encoding"):
        value = request.headers.get(header, "")
        codings = {coding.strip().lower() for coding in value.split(",")}
        if not codings <= _AS_IT_IS:
            raise Problem(
                "unsupported_media_type",
                f"The body has the {header.title()} {value[:_MOST_SHOWN]!r}, which this server "
                "does not decode. Send it without compression; images are compressed already.",
                headers={"Accept-Encoding": "identity"},
            )
