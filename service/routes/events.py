"""The events of a job, as server-sent events."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from catalog.errors import Violation
from jobs.errors import NotFound
from jobs.events import well_formed
from service.addresses import address
from service.dependencies import ExistingJob, ServicesDep
from service.events.event_stream import EventStream
from service.middleware.head_requests import HEAD
from service.problems import Problem
from service.request_schema import REFERENCE

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_DESCRIPTION = """The stream begins with the current state, then the current progress and preview
if there are any, and continues with every further event. The server closes the stream after a final
state. Read the job for its result or error.

| event | data |
| --- | --- |
| `state` | `status`, `attempts`, `cancel_requested` |
| `progress` | `done`, `total`, `message`, `eta_s`, `loss` |
| `preview` | `step`, `url` |

Every event from which a stream can be resumed has an `id`. With `Last-Event-ID` the stream
continues directly after that event, without a gap; `0` means from the first event. About the last
1,000 events are kept. If events after `Last-Event-ID` have been dropped, the stream begins with the
current state. A comment is sent every 15 seconds. A client that reads too slowly is disconnected,
and can resume."""
_EXAMPLE = """event: state
id: 1789-0
data: {"status":"running","attempts":1,"cancel_requested":false}

event: progress
id: 1790-0
data: {"done":64,"total":256,"message":"steps","eta_s":3.1,"loss":-12.5}

event: preview
id: 1791-0
data: {"url":"/v1/jobs/…/preview","step":64}

"""
# The component that describes the data of each event.
_DATA = {"state": "JobState", "progress": "Progress", "preview": "PreviewView"}


def _event_schema(kind: str, component: str) -> dict[str, Any]:
    """Return the schema of the fields of one event."""
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": REFERENCE.format(model=component)},
    }
    return {
        "type": "object",
        "properties": {"event": {"const": kind}, "id": {"type": "string"}, "data": data},
        "required": ["event", "data"],
    }


_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `state`, `progress` and `preview`",
        "content": {
            EventStream.media_type: {
                "schema": {"type": "string"},
                # As OpenAPI 3.2 does, and FastAPI for its own streams.
                "itemSchema": {"oneOf": [_event_schema(*event) for event in _DATA.items()]},
                "example": _EXAMPLE,
            }
        },
    },
    204: {
        "description": (
            "The job has ended and `Last-Event-ID` was its last event; an EventSource stops asking"
        )
    },
}
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", description="Id of the event after which the stream continues."),
]
LastEventIdInQuery = Annotated[
    str | None, Query(description="The same, for clients that cannot set the header.")
]


@router.get(
    "/{job_id}/events",
    operation_id="get_job_events",
    summary="Watch a job",
    description=_DESCRIPTION,
    response_class=EventStream,
    status_code=200,
    responses=_RESPONSES,
)
async def get_job_events(
    request: Request,
    job: ExistingJob,
    services: ServicesDep,
    header: LastEventId = None,
    last_event_id: LastEventIdInQuery = None,
) -> Response:
    last = _check_id(header or last_event_id or None)
    if HEAD in request.scope:
        return Response(media_type=EventStream.media_type)
    listener = await services.feeds.join(job.id, job.owner)

    def leave() -> None:
        services.feeds.leave(job.id, listener)

    try:
        opening = await run_in_threadpool(services.events.opening, job.id, last)
    except BaseException as error:
        leave()
        if isinstance(error, NotFound):
            raise Problem("job_not_found", "The job has just been deleted.") from None
        raise
    if job.status.final and not opening:
        leave()
        return Response(status_code=204)
    return EventStream(address(f"/v1/jobs/{job.id}"), opening, listener, leave)


def _check_id(last: str | None) -> str | None:
    """Return the id of the last event that the client has, or None. Raises Problem."""
    if last is None or well_formed(last):
        return last
    message = (
        "This is not the id of an event. Send the id of an event as you received it, "
        "0 for all events, or none."
    )
    raise Problem("invalid_parameters", message, [Violation("/last_event_id", message)])
