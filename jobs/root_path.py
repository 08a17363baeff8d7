"""The path prefix under which a proxy shows the API, such as `/retinoscope`."""

import re

MOST_LENGTH = 200
_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
# With such a first segment nobody could tell whether the proxy has removed the prefix.
_OURS = (
    "v1",
    "v2",
    "docs",
    "healthz",
    "readyz",
    "metrics",
    "openapi.json",
    "play",
    "static-offline-docs",
)


def checked_root_path(path: str) -> str:
    """Return the prefix without a slash at its end, empty for none. Raises ValueError."""
    path = path.rstrip("/")
    if not path:
        return ""
    if len(path) > MOST_LENGTH or not _PREFIX.fullmatch(path):
        raise ValueError(
            "a path prefix begins with / and has segments of letters, digits, -, ., _ and ~, "
            f"at most {MOST_LENGTH} characters, such as /retinoscope"
        )
    if path.split("/")[1] in _OURS:
        raise ValueError(
            f"a path prefix cannot begin with /{path.split('/')[1]}, an address of the API itself"
        )
    return path
