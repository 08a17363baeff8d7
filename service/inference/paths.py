"""Which addresses belong to the inference protocols. Their errors have a form of their own."""

import re

_V1 = re.compile(r"/v1/models/[^/]+:(explain|predict)")
# Whoever watches the process asks these, without a key.
HEALTH_CHECKS = frozenset({"/v2/health/live", "/v2/health/ready"})


def is_inference(path: str) -> bool:
    """Return whether a path, without the prefix of a proxy, is one of the protocols'."""
    return path == "/v2" or path.startswith("/v2/") or is_verb(path)


def is_verb(path: str) -> bool:
    """Return whether a path is that of `:explain` or `:predict`."""
    return _V1.fullmatch(path) is not None
