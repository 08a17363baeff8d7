"""Images that are sent as addresses: refused where they may not be, and fetched."""

import re
from collections.abc import Mapping, Sequence

from catalog.errors import Violation
from catalog.technique import InputSpec
from jobs.settings import Settings
from service.outgoing.fetching import TIMEOUT_S, fetch
from service.outgoing.transport import NoAnswer
from service.outgoing.url_rules import CheckedUrl, UrlRefused, UrlRules, check_url
from service.problems import Problem
from service.services import Services

_ADDRESS = re.compile(r"\s*https?:", re.IGNORECASE)


def fetch_rules(settings: Settings) -> UrlRules:
    """Return the rules for the addresses of images."""
    return UrlRules(settings.fetch_hosts)


def check_addresses(
    settings: Settings, inputs: Mapping[str, bytes | str], specs: Sequence[InputSpec] = ()
) -> None:
    """Refuse addresses among the inputs that are not fetched. Raises Problem."""
    arrays = {spec.name for spec in specs if spec.kind == "array"}
    for name, value in inputs.items():
        if is_address(value):
            _checked(settings, name, str(value), is_array=name in arrays)


async def with_fetched_images(
    services: Services, inputs: Mapping[str, bytes | str]
) -> dict[str, bytes | str]:
    """Return the inputs with the bytes of images in place of their addresses. Raises Problem."""
    return {
        name: await fetch_image(services, name, str(value)) if is_address(value) else value
        for name, value in inputs.items()
    }


async def fetch_image(services: Services, name: str, address: str) -> bytes:
    """Return the bytes of the image at an address, which was sent as `name`. Raises Problem."""
    settings = services.settings
    url = _checked(settings, name, address)
    limit = settings.max_body_bytes
    try:
        return await fetch(services.transport, url, fetch_rules(settings), limit)
    except NoAnswer:
        message = (
            f"The address did not give 200 with at most {limit:,} bytes within {TIMEOUT_S:.0f} s, "
            "over at most 3 redirects, from public https addresses. Try again, or send the file."
        )
        raise Problem("image_url_failed", message, [Violation(f"/{name}", message)]) from None


def is_address(value: bytes | str) -> bool:
    """Return whether an input is the address of an image."""
    return isinstance(value, str) and _ADDRESS.match(value) is not None


def _checked(settings: Settings, name: str, address: str, *, is_array: bool = False) -> CheckedUrl:
    if not settings.fetch_images or is_array:
        what = "arrays" if is_array else "images"
        detail = f"This server does not download {what}. Upload the file"
        detail += f" with -F {name}=@features.npy." if is_array else " with POST /v1/images."
        raise Problem("image_url_not_allowed", detail, [Violation(f"/{name}", detail)])
    try:
        return check_url(address, fetch_rules(settings))
    except UrlRefused as error:
        detail = str(error)
        raise Problem("image_url_refused", detail, [Violation(f"/{name}", detail)]) from None
