"""A file from an address of a client's choice, over redirects of which each is checked."""

import asyncio
from urllib.parse import urljoin

from service.outgoing.transport import Answer, NoAnswer, Transport
from service.outgoing.url_rules import CheckedUrl, UrlRefused, UrlRules, check_url

MAX_REDIRECTS = 3
TIMEOUT_S = 20.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def fetch(
    transport: Transport,
    url: CheckedUrl,
    rules: UrlRules,
    limit: int,
    timeout_s: float = TIMEOUT_S,
) -> bytes:
    """Return the bytes at an address that was checked, at most `limit`.

    Raises NoAnswer, whatever is the reason: a network that does not answer within `timeout_s`
    seconds, a status other than 200, a redirect to an address that is refused, too many of them, or
    too many bytes.
    """
    try:
        async with asyncio.timeout(timeout_s):
            for _ in range(MAX_REDIRECTS + 1):
                answer = await _get(transport, url, limit, timeout_s)
                if answer.status not in _REDIRECTS:
                    return _content(answer)
                url = check_url(urljoin(str(url), answer.headers.get("location", "")), rules)
    except (TimeoutError, UrlRefused, ValueError):
        raise NoAnswer from None
    raise NoAnswer


async def _get(transport: Transport, url: CheckedUrl, limit: int, timeout_s: float) -> Answer:
    headers = {"Accept": "image/*, */*;q=0.1"}
    # One byte more shows that there are too many.
    return await transport.send("GET", url, headers, limit=limit + 1, timeout_s=timeout_s)


def _content(answer: Answer) -> bytes:
    encoded = answer.headers.get("content-encoding", "identity").strip().lower() != "identity"
    if answer.status != 200 or encoded or not answer.complete:
        raise NoAnswer
    return answer.body
