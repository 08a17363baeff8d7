"""The types of jobs in OpenAPI: one for each technique, told apart by `technique`.

They only describe what is sent. A response is written from `JobView`, whatever the technique.
"""

from functools import reduce
from operator import or_
from typing import Any, Literal

from pydantic import BaseModel, Field, RootModel, create_model

from catalog.registry import techniques
from catalog.summary import SummaryPart
from catalog.technique import ArtifactSpec, InputSpec, Params, Technique
from jobs.model import InputArray, InputImage
from service.batch_job import BatchJob
from service.job_view import ArtifactView, JobView, ResultView
from service.provenance_view import Provenance
from service.request_schema import component_name

_SEED = Field(description="Seed of all randomness: the one that was sent, or drawn.")
# Every parameter is recorded. Later versions may add some.
_SENT_WHOLE = {"json_schema_serialization_defaults_required": True, "extra": "ignore"}


def _params(technique: Technique, name: str) -> type[Params]:
    return create_model(
        f"{name}Params",
        __base__=technique.resolved,
        __doc__=f"The resolved parameters of `{technique.name}`.",
        __cls_kwargs__=_SENT_WHOLE,
        seed=(int, _SEED),
    )


def _inputs(technique: Technique, name: str) -> type[BaseModel]:
    fields: dict[str, Any] = {spec.name: _input(spec) for spec in technique.inputs}
    return create_model(
        f"{name}Inputs",
        __base__=SummaryPart,
        __doc__=f"The images and arrays that a job of `{technique.name}` reads.",
        **fields,
    )


def _input(spec: InputSpec) -> tuple[Any, Any]:
    """Return the type and the field of one input."""
    kind: Any = InputArray if spec.kind == "array" else InputImage
    if spec.bands:
        kind = InputImage | InputArray
    if spec.required:
        return kind, Field(description=spec.description)
    return kind | None, Field(None, description=f"{spec.description} Absent if none was sent.")


def _result(technique: Technique, name: str) -> type[ResultView]:
    files = "\n".join(map(_listed, technique.artifacts)) or "None: the summary is all."
    return create_model(
        f"{name}Result",
        __base__=ResultView,
        __doc__=f"The result of a job of `{technique.name}` that has succeeded.",
        summary=(technique.summary, Field(description="The technique's own numbers.")),
        artifacts=(
            list[ArtifactView],
            Field(description=f"The files that the job made:\n\n{files}"),
        ),
    )


def _listed(spec: ArtifactSpec) -> str:
    """Return a line about a file. The parameter that it depends on may be in the words, too."""
    only = f", only with `{spec.only_with}`" if spec.only_with else ""
    return f"- `{spec.name}` ({spec.media_type}{only}): {spec.description}"


def _job_type(technique: Technique) -> type[JobView]:
    name, described = component_name(technique), JobView.model_fields
    kind: Any = Literal[technique.name]
    result: Any = _result(technique, name)
    return create_model(
        f"{name}Job",
        __base__=JobView,
        __doc__=f"A job of the technique `{technique.name}`: {technique.title}.",
        technique=(kind, Field(description=described["technique"].description)),
        params=(
            _params(technique, name),
            Field(description=described["params"].description),
        ),
        inputs=(
            _inputs(technique, name),
            Field(description=described["inputs"].description),
        ),
        result=(result | None, Field(description=described["result"].description)),
        provenance=(Provenance, Field(description=described["provenance"].description)),
    )


# The type of a job by its technique.
JOB_TYPES = {name: _job_type(technique) for name, technique in techniques().items()}

_any_job: Any = (reduce(or_, JOB_TYPES.values()) | BatchJob, Field(discriminator="technique"))
# A job of any technique, or a batch.
Job: Any = create_model(
    "Job",
    __base__=RootModel,
    __doc__=JobView.__doc__,
    root=_any_job,
)
