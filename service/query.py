"""The query of a request: parameters that a call does not declare are refused, not ignored.

A misspelled filter that is ignored lists everything, and looks as if it had been applied.
"""

from collections.abc import Iterator
from typing import get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from catalog.errors import Violation, near_matches
from service.problems import Problem

_MOST_SHOWN = 80


async def check_query(request: Request) -> None:
    """Refuse query parameters that the route does not declare, or that are sent twice.

    A dependency of every route, behind that of the key. Raises Problem.
    """
    if not request.query_params:
        return
    route: APIRoute = request.scope["route"]
    parameters = dict(_declared(route.dependant))
    declared = sorted(parameters)
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in declared:
            raise _refusal(
                name,
                f"There is no query parameter {name[:_MOST_SHOWN]!r}."
                f"{near_matches(name, declared)} {_advice(route, declared)}",
            )
        if names.count(name) > 1 and not parameters[name]:
            raise _refusal(name, f"The query parameter {name!r} was sent twice. Send it once.")


def _declared(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Yield the query parameters of a route and of its dependencies.

    Each is a name, and whether the parameter may be sent several times.
    """
    for parameter in dependant.query_params:
        yield parameter.alias, get_origin(parameter.field_info.annotation) is list
    for other in dependant.dependencies:
        yield from _declared(other)


def _advice(route: APIRoute, declared: list[str]) -> str:
    if declared:
        return f"Those of this call are: {', '.join(declared)}."
    if "requestBody" in (route.openapi_extra or {}):
        return "This call has none. Send fields in the body: with -F name=value, or as JSON."
    return "This call has none."


def _refusal(name: str, detail: str) -> Problem:
    return Problem("invalid_parameters", detail, [Violation(f"/{name[:_MOST_SHOWN]}", detail)])
