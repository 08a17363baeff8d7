"""What a client of either protocol asks for, and how JSON is read for it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from catalog.errors import Violation, near_matches, shown
from service.problems import Problem
from service.request_body import parse_json, read_whole
from service.request_text import check_characters
from service.services import Services
from service.uploads.streaming import media_type

MOST_IMAGES = 16
# The numbers of sixteen colour images of 224 × 224 pixels, with the brackets around them.
_MOST_MARKS = 4_000_000
# Of memory, for each bracket or comma of JSON, once it is parsed.
_BYTES_OF_MARK = 34
_SMALL_BODY = 20_000
NO_BINARY = (
    "binary tensors are not taken. Send JSON: with tritonclient, "
    "set_data_from_numpy(…, binary_data=False)."
)
_BINARY_HEADER = "inference-header-content-length"


@dataclass(frozen=True)
class InferenceRequest:
    """Images, each under its place in the request (`instances/0/image`), and what is to be done.

    An image is the bytes of a file, the `sha256:…` id of a stored one, or an `https:` address. Once
    it is stored its id takes the place of the bytes, which nobody holds while the jobs run.
    `outputs` are the tensors that were asked for, by name. V1 has none.
    """

    images: dict[str, bytes | str]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    id: str = ""


def refused(where: str, message: str) -> Problem:
    """Return the problem of one place in the request."""
    return Problem("invalid_parameters", f"{where}: {message}", [Violation(f"/{where}", message)])


async def read_request(
    request: Request,
    services: Services,
    owner: str,
    read: Callable[[dict[str, Any]], InferenceRequest],
) -> InferenceRequest:
    """Return what `read` makes of the body, a JSON object whatever its Content-Type says.

    `curl -d` declares a form, and KServe's own server does not look. Raises Problem.
    """
    if _BINARY_HEADER in request.headers:
        raise Problem("invalid_request", f"The header Inference-Header-Content-Length: {NO_BINARY}")
    if media_type(request).startswith("multipart/"):
        raise Problem("unsupported_media_type", "Send JSON, with images as base64.")
    body = await read_whole(request)
    marks = _marks(body)
    if len(body) <= _SMALL_BODY:
        return read(_parsed(request, body))

    def read_in_bounds() -> InferenceRequest:
        with services.intake.holding(owner, _BYTES_OF_MARK * marks):
            return read(_parsed(request, body))

    return await services.intake.run(owner, read_in_bounds)


def check_names(where: str, sent: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse fields that are not known. Raises Problem."""
    for name in sent:
        if name not in known:
            raise refused(
                where or "body",
                f"there is no field {shown(name)!r}.{near_matches(name, known)} "
                f"The fields are: {', '.join(known)}.",
            )


def check_count(where: str, count: int) -> None:
    """Refuse no images, and more than 16. Raises Problem."""
    if not 1 <= count <= MOST_IMAGES:
        said = f"there are {count:,}" if count else "there are none"
        raise refused(where, f"a request has 1 to {MOST_IMAGES} images, and {said}.")


def read_parameters(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object `parameters` of a body. Raises Problem."""
    parameters = body.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise refused("parameters", "must be an object of parameters by name.")
    check_characters(parameters)
    return parameters


def _marks(body: bytes) -> int:
    """Return the number of brackets and commas, which is about that of values. Raises Problem."""
    marks = body.count(b"[") + body.count(b"{") + body.count(b",")
    if marks > _MOST_MARKS:
        raise Problem(
            "invalid_request",
            "The JSON has too many numbers. Send images as base64 of their files.",
        )
    return marks


def _parsed(request: Request, body: bytes) -> dict[str, Any]:
    try:
        data = parse_json(request, body)
    except Problem as problem:
        reason = problem.detail.partition(" Send ")[0]
        raise Problem("invalid_request", reason) from None
    if not isinstance(data, dict):
        raise Problem("invalid_request", "The body must be a JSON object.")
    check_characters(dict.fromkeys(data))
    return data
