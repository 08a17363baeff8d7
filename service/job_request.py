"""A request for one job: as it was sent, then parsed, then resolved."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from catalog.errors import shown
from catalog.models import ModelEntry
from catalog.parameters import parse_parameters
from catalog.technique import Params, Technique
from jobs.webhook import EVENTS, FINAL_EVENTS, Webhook
from service.labels import LABELS_SCHEMA, MOST_LABELS, check_labels
from service.problems import invalid

MAX_DEADLINE_S = 7 * 86400
MAX_WEBHOOK = 2000
_SEED_BITS = 32
_EVENT = rf"\s*({'|'.join(map(re.escape, EVENTS))})\s*"


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
    webhook: str | None = Field(
        None,
        max_length=MAX_WEBHOOK,
        description=(
            "An https address to which the server posts a signed message when the job has ended; "
            "see docs/api.md."
        ),
    )
    webhook_events: str = Field(
        ",".join(FINAL_EVENTS),
        max_length=200,
        json_schema_extra={"pattern": f"^{_EVENT}(,{_EVENT})*$"},
        description=(
            f"The events that are posted to `webhook`, separated by commas: {', '.join(EVENTS)}."
        ),
    )

    labels: Annotated[
        dict[str, str], BeforeValidator(check_labels), WithJsonSchema(LABELS_SCHEMA)
    ] = Field(
        {},
        description=(
            f"At most {MOST_LABELS} pairs of texts by which `GET /v1/jobs?label=key=value` finds "
            "the job."
        ),
    )

    @field_validator("webhook_events")
    @classmethod
    def _check_events(cls, text: str, info: ValidationInfo) -> str:
        unknown = [name for name in _names(text) if name not in EVENTS]
        if unknown:
            events = ", ".join(EVENTS)
            raise PydanticCustomError(
                "unknown_event",
                "There is no event {name}. The events are {events}",
                {"name": repr(shown(unknown[0])), "events": events},
            )
        if info.data.get("webhook", "") is None and text != ",".join(FINAL_EVENTS):
            raise PydanticCustomError("without_webhook", "It has no effect without webhook")
        return text

    def events(self) -> tuple[str, ...]:
        """Return the events that the webhook is told of, each once, in the order of a job."""
        named = _names(self.webhook_events)
        return tuple(event for event in EVENTS if event in named)


@dataclass(frozen=True)
class SentJobRequest:
    """What a client asked for, free of HTTP and not validated yet.

    `fields` holds parameters and options by name. An input is the bytes of a file, the `sha256:…`
    id of a file that is stored, or the `https:` address of an image.
    """

    owner: str
    technique: Technique
    fields: Mapping[str, Any]
    inputs: Mapping[str, bytes | str]


@dataclass(frozen=True)
class ParsedJobRequest:
    """A request whose parameters and options have types.

    A parameter that was not sent is unset until `resolve` fills in its default. `webhook` is what
    the options ask for, after its address was checked.
    """

    owner: str
    technique: Technique
    params: Params
    options: JobOptions
    inputs: Mapping[str, bytes | str]
    seed_given: bool
    webhook: Webhook | None = None


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


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]
