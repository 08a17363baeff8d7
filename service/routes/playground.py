"""The playground at `/play`, a page that calls this API, and what the root of the server answers.

The page is built from `playground/` (see docs/playground.md) and committed in `service/playground`.
It needs no key: only the calls that it makes do.
"""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from service.addresses import address
from service.conditional import not_modified
from service.problems import Problem

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).parent.parent / "playground"
_INDEX = "index.html"
# Vite puts a hash of the content into the names of these files.
_HASHED = "assets/"
_YEAR = "public, max-age=31536000, immutable"

# The page loads from its own origin alone, runs no inline script and cannot be framed. `blob:` is
# for pictures that need a key: the page fetches them with a header.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True)
class _File:
    content: bytes
    media_type: str
    headers: dict[str, str]


@router.get("/")
async def root(request: Request) -> Response:
    """Send a browser to the playground, and tell everybody else that the server lives."""
    vary = {"Vary": "Accept"}
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(address("/play/"), headers=vary)
    return JSONResponse({"status": "alive"}, headers=vary)


@router.get("/play")
async def playground() -> Response:
    """Send the browser to the folder, from which the page's addresses are relative."""
    return RedirectResponse(address("/play/"))


@router.get("/play/{path:path}")
async def playground_file(path: str, request: Request) -> Response:
    """Return a file of the page."""
    file = _files().get(path or _INDEX)
    if file is None:
        raise Problem("not_found", "The playground has no such file. Its page is at /play/.")
    unchanged = not_modified(request, dict(file.headers))
    return unchanged or Response(file.content, 200, file.headers, file.media_type)


@cache
def _files() -> dict[str, _File]:
    """Return the files of the page by their paths below its folder."""
    return {
        path.relative_to(_FOLDER).as_posix(): _read(path)
        for path in _FOLDER.rglob("*")
        if path.is_file()
    }


def _read(path: Path) -> _File:
    content = path.read_bytes()
    hashed = path.relative_to(_FOLDER).as_posix().startswith(_HASHED)
    headers = _HEADERS | {
        "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
        "Cache-Control": _YEAR if hashed else "no-cache",
    }
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(content, media_type, headers)
