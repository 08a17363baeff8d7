"""What an address must look like that this service requests for a client.

These rules read the text only. What its host resolves to is checked at each connection
(`pinned_backend.py`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import idna

from service.outgoing.address_rules import is_loopback

MAX_URL = 2048
_DEFAULT_PORTS = {"https": 443, "http": 80}
# Printable ASCII without the characters that readers of URLs disagree about.
_PLAIN = re.compile(r"[!-~]*")
_HOST_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")


class UrlRefused(Exception):
    """The address is not one that this service requests. The argument says what to change."""


@dataclass(frozen=True)
class UrlRules:
    """What is allowed beside https to a public host on port 443.

    `hosts` are the only host names that are allowed, if there are any; `.example.com` stands for
    every name that ends so. With `http`, http to port 80 is allowed. With `loopback`, this machine
    itself is, with http or https and on any port.
    """

    hosts: Sequence[str] = ()
    http: bool = False
    loopback: bool = False


@dataclass(frozen=True)
class CheckedUrl:
    """The parts of an address that was checked. `loopback` says that it names this machine."""

    scheme: str
    host: str
    port: int
    target: str
    loopback: bool = False

    @property
    def netloc(self) -> str:
        """Host and, unless it is the default, port, as in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.target}"


def check_url(text: str, rules: UrlRules) -> CheckedUrl:
    """Return the parts of an address. Raises UrlRefused."""
    if len(text) > MAX_URL:
        raise UrlRefused(f"The address has more than {MAX_URL:,} characters.")
    scheme, userinfo, host, port, target = _split(text)
    if scheme not in _DEFAULT_PORTS:
        raise UrlRefused("The address must begin with https://.")
    if userinfo:
        raise UrlRefused("The address has a user name or an @ in front of its host. Leave it out.")
    url = CheckedUrl(scheme, host, port or _DEFAULT_PORTS[scheme], target, _names_loopback(host))
    if url.loopback:
        if not rules.loopback:
            raise UrlRefused("The address names this server itself. Name a public host.")
    else:
        _check_public(url, rules)
    if rules.hosts and not any(_matches(host, allowed) for allowed in rules.hosts):
        raise UrlRefused("The operator of this server does not allow this host.")
    return url


def _split(text: str) -> tuple[str, bool, str, int | None, str]:
    """Return the scheme, whether there is user information, the host, port, path and query."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UrlRefused("The address cannot be read. Write https://host/path.") from None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # urlsplit drops line ends and tabs, so that the text itself is checked.
    rest = text.replace(parts.netloc, "", 1)
    if "\\" in text or not _PLAIN.fullmatch(rest) or re.search(r"[\x00-\x20\x7f]", text):
        raise UrlRefused(
            "The address has a space, a control character, a backslash, or a letter outside of "
            "ASCII behind its host. Write it with %."
        )
    if port == 0:
        raise UrlRefused("The address has the port 0.")
    return parts.scheme, "@" in parts.netloc, _ascii(host), port, target


def _ascii(host: str) -> str:
    """Return a host name in ASCII, with `xn--` where it has other letters."""
    if ":" in host or host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode().lower()
    except idna.IDNAError:
        raise UrlRefused("The host name of the address is not valid.") from None


def _names_loopback(host: str) -> bool:
    return host == "localhost" or is_loopback(host)


def _check_public(url: CheckedUrl, rules: UrlRules) -> None:
    if url.scheme == "http" and not rules.http:
        raise UrlRefused("The address must begin with https://.")
    if url.port != _DEFAULT_PORTS[url.scheme]:
        raise UrlRefused(f"The address must have the port {_DEFAULT_PORTS[url.scheme]}, or none.")
    last = url.host.rpartition(".")[2]
    if ":" in url.host or _NUMERIC_LABEL.fullmatch(last):
        raise UrlRefused("The address has a number for its host. Write its name.")
    if not _HOST_NAME.fullmatch(url.host):
        raise UrlRefused("The address needs the full name of a public host, such as example.com.")


def _matches(host: str, allowed: str) -> bool:
    allowed = allowed.lower()
    return host.endswith(allowed) if allowed.startswith(".") else host == allowed
