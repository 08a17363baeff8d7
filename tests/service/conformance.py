"""Every response is compared with what the OpenAPI document says of its call."""

import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from service.app import create_app
from tests.techniques.conformance import closed


def keeps_to_the_document(answer: httpx.Response) -> None:
    """Fail if the status, the media type or a field of the response is not documented.

    Left out are an address that no call has, a body that is not JSON, and jobs whose result a test
    has made up.
    """
    method = answer.request.method.lower().replace("head", "get")
    operation = _operation(method, answer.request.url.path)
    if operation is None:
        return
    path, responses = operation
    status = str(answer.status_code)
    assert status in responses or answer.status_code >= 400, (method, path, status)
    content = responses.get(status, responses["default"]).get("content", {})
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if not kind.endswith("json") or path.endswith("/artifacts/{name}"):
        return
    if not answer.read() or _ended_by_hand(answer.json()):
        return
    assert kind in content, (method, path, status, kind)
    validator = _validator(path, method, status if status in responses else "default", kind)
    error = best_match(validator.iter_errors(answer.json()))
    assert error is None, f"{method} {path}: {error.json_path}: {error.message[:2000]}"


def _ended_by_hand(body: Any) -> bool:
    """Return whether a job has succeeded that no worker has run."""
    jobs = [body, *body.get("items", ())]
    return any(
        job.get("status") == "succeeded" and "torch" not in job.get("provenance", ())
        for job in jobs
        if isinstance(job, dict)
    )


@cache
def _document() -> dict[str, Any]:
    return create_app().openapi()


@cache
def _operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """Return path and responses of the call that answers; the one with fewer parameters."""
    fitting = [
        template
        for template, item in _document()["paths"].items()
        if method in item and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
    ]
    if not fitting:
        return None
    template = min(fitting, key=lambda found: found.count("{"))
    return template, _document()["paths"][template][method]["responses"]


@cache
def _validator(path: str, method: str, status: str, kind: str) -> Draft202012Validator:
    content = _document()["paths"][path][method]["responses"][status]["content"]
    return Draft202012Validator(content[kind]["schema"] | {"components": _components()})


@cache
def _components() -> dict[str, Any]:
    """Return the components without any field beside those that they name."""
    components: dict[str, Any] = closed(_document()["components"])
    return components
