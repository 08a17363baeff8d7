"""The deliveries of a job's webhook: what was sent, what is sent again, and sending it again."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from jobs.deliveries import Delivery, DeliveryState
from jobs.errors import NotFound
from jobs.model import moment
from jobs.webhook import EVENTS
from service.dependencies import ExistingJob, ServicesDep
from service.problems import Problem

router = APIRouter(prefix="/v1/jobs", tags=["webhooks"])


class DeliveryView(BaseModel):
    """One message about the job."""

    id: str = Field(description="Id of the message, its `webhook-id`.")
    event: str = Field(
        description="The event that it tells of.", json_schema_extra={"enum": list(EVENTS)}
    )
    state: DeliveryState = Field(
        description="`waiting` until a receiver answers 2xx; `failed` if none did at any attempt."
    )
    attempts: int = Field(description="How often it was sent, since the last replay.")
    status_code: int | None = Field(
        description="Status of the last answer; null if there was none."
    )
    next_at: datetime | None = Field(description="When it is sent next; null if it is not.")


class Deliveries(BaseModel):
    items: list[DeliveryView] = Field(description="The messages, in the order of the events.")


@router.get(
    "/{job_id}/deliveries",
    operation_id="list_deliveries",
    summary="List the deliveries of a job's webhook",
)
def list_deliveries(job: ExistingJob, services: ServicesDep) -> Deliveries:
    """Return the messages about the job so far. Without a webhook there are none."""
    return Deliveries(items=[_view(found) for found in services.deliveries.of_job(job.id)])


@router.post(
    "/{job_id}/deliveries/{delivery_id}/replay",
    operation_id="replay_delivery",
    summary="Send a message again",
    status_code=202,
)
def replay_delivery(delivery_id: str, job: ExistingJob, services: ServicesDep) -> DeliveryView:
    """Send a message again, now and by the same schedule, whatever its state.

    It keeps its id, by which a receiver knows it.
    """
    try:
        return _view(services.deliveries.replay(job.id, delivery_id))
    except NotFound:
        raise Problem(
            "delivery_not_found", f"GET /v1/jobs/{job.id}/deliveries lists what there is."
        ) from None


def _view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        event=delivery.event,
        state=delivery.state,
        attempts=delivery.attempts,
        status_code=delivery.status_code,
        next_at=moment(delivery.next_ms),
    )
