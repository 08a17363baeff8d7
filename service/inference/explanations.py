"""What the answers of both protocols show of a finished job."""

import base64
from typing import Any

from jobs.model import Job
from service.addresses import address
from service.inference.plan import MAP, NUMBERS, Plan
from service.services import Services
from service.uploads.array_validation import read_array


def explanation(services: Services, plan: Plan, job: Job) -> dict[str, Any]:
    """Return target, score and summary of a job, its address, and the outputs by their names.

    A file is `{"b64": text}`, and null if the job did not leave it. Reads files. Raises NotFound if
    the job was deleted meanwhile.
    """
    summary = job.result.summary if job.result else {}
    target = summary.get("target")
    shown = {name: _output(services, job, name) for name in plan.outputs}
    return {
        "target": target.get("text") if isinstance(target, dict) else target,
        "score": summary.get("score_value"),
        "summary": summary,
        "job": address(f"/v1/jobs/{job.id}"),
        **shown,
    }


def first_prediction(job: Job) -> list[dict[str, Any]] | None:
    """Return the model's first class for the image, if the technique's summary names it."""
    predicted = job.result.summary.get("predicted") if job.result else None
    return [predicted] if isinstance(predicted, dict) else None


def predictions(job: Job) -> list[dict[str, Any]]:
    """Return index, label and probability of the classes that a `predict` job found.

    Where the model has no probabilities, its output is added.
    """
    found = job.result.summary["predictions"] if job.result else []
    return [_prediction(each) for each in found]


def map_values(services: Services, job: Job) -> tuple[tuple[int, ...], list[float]]:
    """Return shape and numbers of the map of a job, row by row.

    Nine digits tell every float32 from its neighbours.
    """
    shape, values = read_array(_file(services, job, MAP) or b"")
    return shape, [float(f"{value:.9g}") for value in values]


def _prediction(found: dict[str, Any]) -> dict[str, Any]:
    names = ["index", "label", "probability"]
    if found.get("probability") is None:
        names.append("output")
    return {name: found.get(name) for name in names}


def _output(services: Services, job: Job, name: str) -> Any:
    if name == NUMBERS:
        shape, values = map_values(services, job)
        width = shape[-1]
        return [values[i : i + width] for i in range(0, len(values), width)]
    data = _file(services, job, name)
    return None if data is None else {"b64": base64.b64encode(data).decode()}


def _file(services: Services, job: Job, name: str) -> bytes | None:
    """Return the bytes of an artifact, or None if the job has none of that name."""
    artifacts = job.result.artifacts if job.result else []
    keys = [artifact.key for artifact in artifacts if artifact.name == name]
    return services.files.get(keys[0]) if keys else None
