"""A request for a batch: as it was sent, then parsed."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from catalog.batches import check_batchable, check_outputs
from catalog.errors import CatalogError, UnknownTechnique, Violation, near_matches
from catalog.image_set import EXAMPLE
from catalog.parameters import parse_parameters
from catalog.registry import find_technique, techniques
from catalog.technique import MAX_SEED
from service.job_request import JobOptions, ParsedJobRequest
from service.problems import Problem, invalid
from service.request_text import check_characters

_SEED_BITS = 32
# Characters of the parameters in a form. They are parsed on the event loop.
_MOST_JSON = 100_000
# Rows are never shared with other jobs.
OPTIONS = tuple(name for name in JobOptions.model_fields if name != "cache")


def _parsed(text: Any) -> Any:
    """Parse the JSON of a form's field."""
    if not isinstance(text, str):
        return text
    if len(text) > _MOST_JSON:
        raise PydanticCustomError("json_object", "Must be at most 100,000 characters of JSON")
    try:
        params = json.loads(text)
    except (ValueError, RecursionError):
        raise PydanticCustomError("json_object", "Must be a JSON object") from None
    # JSON can write half of a character. That of a whole body was checked when it was read.
    check_characters({"params": params})
    return params


def _split(names: Any) -> Any:
    """Split a form's field at commas."""
    if not isinstance(names, str):
        return names
    return [name.strip() for name in names.split(",") if name.strip()]


class BatchFields(BaseModel):
    """What a batch consists of, besides the options of every job."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    technique: str = Field(
        max_length=100,
        description="The technique, one that takes one `image` and runs for seconds.",
        examples=["saliency"],
    )
    params: Annotated[dict[str, Any], BeforeValidator(_parsed)] = Field(
        {},
        description=(
            "Its parameters without the seed, `model` among them. In a form, a JSON object."
        ),
        examples=[{"target": "top"}],
    )
    image_set: str = Field(
        max_length=1000,
        description="Id of the image set. Images that are added later do not take part.",
        examples=[EXAMPLE],
    )
    outputs: Annotated[list[str], BeforeValidator(_split)] | None = Field(
        None,
        max_length=50,
        description=(
            "Names of the artifacts that are kept of each image; by default all. In a form, "
            "separated by commas. The numbers are always kept."
        ),
        examples=[["overlay.png", "values.npy"]],
    )
    exact: bool = Field(
        False,
        description=(
            "Run the images one by one, so that each result has the same bytes as that of a single "
            "job. By default several go through the model at once, and the last digits may differ."
        ),
    )
    seed: int | None = Field(
        None,
        ge=0,
        le=MAX_SEED,
        description=(
            "Seed of the batch, from which that of each image follows. By default one is drawn."
        ),
    )


@dataclass(frozen=True)
class ParsedBatchRequest:
    """A request whose fields, parameters and options have types.

    `job` is what a single job would be, with the seed of the batch and without an image.
    """

    fields: BatchFields
    job: ParsedJobRequest


def parse_batch(owner: str, sent: Mapping[str, Any]) -> ParsedBatchRequest:
    """Parse what was sent. Raises Problem or CatalogError."""
    named = {name: value for name, value in sent.items() if name in OPTIONS}
    others = {name: value for name, value in sent.items() if name not in OPTIONS}
    _check_known(others)
    try:
        options = JobOptions.model_validate(named)
        fields = BatchFields.model_validate(others)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False)) from None
    try:
        technique = find_technique(fields.technique)
    except UnknownTechnique as error:
        violation = Violation("/technique", error.detail)
        raise Problem(error.code, error.detail, [violation], status=422) from None
    check_batchable(technique)
    if "seed" in fields.params:
        message = "Send seed beside params: that of each image follows from it."
        raise Problem("invalid_parameters", message, [Violation("/params/seed", message)])
    with inside_params():
        params = parse_parameters(technique, fields.params)
    check_outputs(technique, params, fields.outputs)
    seed = secrets.randbits(_SEED_BITS) if fields.seed is None else fields.seed
    job = ParsedJobRequest(
        owner=owner,
        technique=technique,
        params=params.model_copy(update={"seed": seed}),
        options=options,
        inputs={},
        seed_given=fields.seed is not None,
    )
    return ParsedBatchRequest(fields, job)


@contextmanager
def inside_params() -> Iterator[None]:
    """Let errors of the block point to the parameters where they are in a batch."""
    try:
        yield
    except CatalogError as error:
        error.errors = [
            Violation(f"/params{violation.pointer}", violation.message)
            for violation in error.errors
        ]
        raise


def _check_known(fields: Mapping[str, Any]) -> None:
    """Refuse fields that a batch does not have. Raises Problem."""
    known = [*BatchFields.model_fields, *OPTIONS]
    technique = techniques().get(str(fields.get("technique")))
    for name in fields:
        if name in BatchFields.model_fields:
            continue
        advice = f"{near_matches(name, known)} The fields are: {', '.join(known)}."
        if technique is not None and name in technique.params.model_fields:
            advice = f" Send it inside params: it is a parameter of {technique.name}."
        message = f"A batch has no field {name[:80]!r}.{advice}"
        raise Problem("invalid_parameters", message, [Violation(f"/{name[:80]}", message)])
