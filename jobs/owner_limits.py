"""What one owner may ask for, beside the other owners."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class OwnerLimits(BaseModel):
    """The limits of an owner. A limit that is None is the service's own, or absent."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True
    )

    weight: float = Field(
        1.0,
        ge=0.01,
        le=100,
        description="Share of the workers beside other owners: 2 gets twice as much as 1.",
    )
    requests_per_minute: int | None = Field(
        None, ge=1, description="Calls in any minute; null for no limit."
    )
    max_open: int | None = Field(
        None, ge=1, description="Jobs that have not ended; null for the limit of the service."
    )
    max_running: int | None = Field(
        None, ge=1, description="Jobs that run at once; null for no limit."
    )

    def to_record(self) -> dict[str, Any]:
        """Return the fields that the record of each of the owner's jobs has."""
        return self.model_dump(include={"weight", "max_running"}, exclude_defaults=True)


class OwnerEntry(OwnerLimits):
    """What the key file says of an owner: limits, and fields that this version does not know.

    These are kept when the file is written, and limit nothing.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    def limits(self) -> OwnerLimits:
        """Return the limits alone."""
        return OwnerLimits(**self.model_dump(include=set(OwnerLimits.model_fields)))


DEFAULT_LIMITS = OwnerLimits()
