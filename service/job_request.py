"""A request for one job: as it was sent, then parsed, then resolved."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.models import ModelEntry
from catalog.parameters import parse_parameters
from catalog.technique import Params, Technique
from service.problems import invalid

MAX_DEADLINE_S = 7 * 86400
_SEED_BITS = 32


class JobOptions(BaseModel):
    """Options of every job. No technique has a parameter with one of these names."""

    model_config = ConfigDict(allow_inf_nan=False, frozen=True)

    deadline_s: float | None = Field(
        None,
        ge=1,
        le=MAX_DEADLINE_S,
        description=(
            "Seconds from acceptance within which the job must end. "
            "A job that has not ended by then fails with `deadline_exceeded`."
        ),
    )
    cache: bool = Field(
        True,
        description=(
            "Reuse the result of an identical job of yours, or wait for one that is running. "
            "With `false` the result is always computed."
        ),
    )


@dataclass(frozen=True)
class SentJobRequest:
    """What a client asked for, free of HTTP and not validated yet.

    `fields` holds parameters and options by name. An input is the bytes of a file, or the
    `sha256:…` id of a file that is stored.
    """

    owner: str
    technique: Technique
    fields: Mapping[str, Any]
    inputs: Mapping[str, bytes | str]


@dataclass(frozen=True)
class ParsedJobRequest:
    """A request whose parameters and options have types.

    A parameter that was not sent is unset until `resolve` fills in its default.
    """

    owner: str
    technique: Technique
    params: Params
    options: JobOptions
    inputs: Mapping[str, bytes | str]
    seed_given: bool


def parse(sent: SentJobRequest) -> ParsedJobRequest:
    """Parse the options and parameters that were sent. Raises Problem or InvalidParameters."""
    fields = dict(sent.fields)
    named = {name: fields.pop(name) for name in JobOptions.model_fields if name in fields}
    try:
        options = JobOptions.model_validate(named)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False)) from None
    params = parse_parameters(sent.technique, fields, other_names=JobOptions.model_fields)
    return ParsedJobRequest(
        owner=sent.owner,
        technique=sent.technique,
        params=params,
        options=options,
        inputs=sent.inputs,
        seed_given=params.seed is not None,
    )


def resolve(request: ParsedJobRequest, model: ModelEntry) -> ParsedJobRequest:
    """Fill in the defaults of this model, and draw a seed if none was given.

    Raises CatalogError.
    """
    params = request.params.resolved(model)
    if params.seed is None:
        params = params.model_copy(update={"seed": secrets.randbits(_SEED_BITS)})
    return replace(request, params=params)
