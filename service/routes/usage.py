"""What the owner of a key uses, and how much is allowed."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from jobs.owner_limits import OwnerLimits
from service.dependencies import OwnerDep, ServicesDep

router = APIRouter(tags=["usage"])


class UsageView(BaseModel):
    """The use of the service by one owner. A day begins at midnight UTC."""

    owner: str = Field(description="The owner of the key; `local` without keys.")
    open: int = Field(description="Jobs that have not ended.")
    running: int = Field(description="Jobs that run.")
    jobs_today: int = Field(description="Jobs that have begun today.")
    passes_today: float = Field(
        description=(
            "Cost of those jobs: about one for each job and one for each image that it runs "
            "through its model. Fair share counts the same."
        )
    )
    limits: OwnerLimits = Field(description="The limits of the owner.")


@router.get("/v1/usage", operation_id="get_usage", summary="Get what the owner of the key uses")
def get_usage(owner: OwnerDep, services: ServicesDep) -> UsageView:
    """Return the open and running jobs of the owner, what has begun today, and the limits.

    `max_open` is that of the service where the owner has none.
    """
    usage, limits = services.jobs.usage(owner), services.keys.limits(owner)
    max_open = limits.max_open or services.settings.max_queued_per_owner
    return UsageView(
        owner=owner,
        open=usage.open,
        running=usage.running,
        jobs_today=usage.jobs_today,
        passes_today=usage.passes_today,
        limits=limits.model_copy(update={"max_open": max_open}),
    )
