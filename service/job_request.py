"""What a client asked for, read and typed, before anything was decided for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.technique import Params, Technique
from service.problems import invalid

MAX_DEADLINE_S = 7 * 86400


class JobOptions(BaseModel):
    """No technique has a parameter of one of these names."""

    model_config = ConfigDict(allow_inf_nan=False, frozen=True)

    deadline_s: float | None = Field(
        None,
        ge=1,
        le=MAX_DEADLINE_S,
        description=(
            "Seconds from acceptance within which the job must end. One that has not fails then: `deadline_exceeded`."
        ),
    )
    cache: bool = Field(
        True,
        description=(
            "Take the result of an identical job of yours if there is one, or wait for one that runs. False: compute."
        ),
    )


@dataclass(frozen=True)
class SentJobRequest:
    """`params` has a seed only if the client gave one; an image is bytes, or a reference to one that is stored."""

    owner: str
    technique: Technique
    params: Params
    options: JobOptions
    images: Mapping[str, bytes | str]


def read_options(fields: dict[str, Any]) -> tuple[JobOptions, dict[str, Any]]:
    """The options, and the other fields. Raises Problem."""
    named = {name: value for name, value in fields.items() if name in JobOptions.model_fields}
    try:
        options = JobOptions.model_validate(named)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False)) from None
    return options, {name: value for name, value in fields.items() if name not in named}
