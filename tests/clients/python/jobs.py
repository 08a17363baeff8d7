"""Run a multipart and a JSON job with the generated client: `jobs.py URL PHOTOGRAPH`.

mypy checks this file with the client, so that a field that is not typed is found.
"""

import io
import json
import sys
from base64 import b64encode
from pathlib import Path

from generated.api.jobs import create_inversion, create_saliency, get_artifact, get_job, list_jobs
from generated.api.models import predict_with_model
from generated.client import AuthenticatedClient as Client
from generated.models import (
    InversionJob,
    InversionRequest,
    JobPage,
    PredictJob,
    PredictWithModelForm,
    ProblemCode,
    ProblemDocument,
    SaliencyForm,
    SaliencyJob,
    Status,
)
from generated.types import File
from httpx import Timeout

WAIT = "wait=60"


def main(url: str, photograph: Path) -> dict[str, object]:
    """Return what the jobs found."""
    # A server without keys takes any token.
    with Client(base_url=url, token="none", timeout=Timeout(90)) as client:
        saliency = _saliency(client, photograph)
        inversion = _inversion(client, photograph)
        _page(client, {saliency.id, inversion.id})
        _refused(client)
        predicted = _predicted(client, photograph)
    assert saliency.result and inversion.result
    return {
        "label": saliency.result.summary.target.label,
        "score": saliency.result.summary.score_value,
        "seed": saliency.params.seed,
        "errors": inversion.result.summary.layers[0].error,
        "predicted": predicted,
    }


def _saliency(client: Client, photograph: Path) -> SaliencyJob:
    """Run a job that is sent as a form, with a file."""
    form = SaliencyForm(image=_file(photograph), samples=2, seed=5)
    job = create_saliency.sync(client=client, body=form, prefer=WAIT)
    assert isinstance(job, SaliencyJob) and job.status is Status.SUCCEEDED and job.result, job
    name = next(file.name for file in job.result.artifacts if file.name == "values.npy")
    values = get_artifact.sync(job.id, name, client=client)
    assert isinstance(values, File) and values.payload.read(6) == b"\x93NUMPY"
    return job


def _inversion(client: Client, photograph: Path) -> InversionJob:
    """Run a job that is sent as JSON, with the photograph in a `data:` URL."""
    image = f"data:image/png;base64,{b64encode(photograph.read_bytes()).decode()}"
    request = InversionRequest(image=image, layer="blocks.0", steps=2)
    job = create_inversion.sync(client=client, body=request, prefer=WAIT)
    assert isinstance(job, InversionJob) and job.result, job
    again = get_job.sync(job.id, client=client)
    assert isinstance(again, InversionJob) and again.result
    assert again.result.summary.original == job.result.summary.original
    return again


def _no_such_number(job: InversionJob) -> object:
    """Read what only a saliency has. mypy must object, or it objects to the comment."""
    return job.result and job.result.summary.score_value  # type: ignore[attr-defined]


def _page(client: Client, ids: set[str]) -> None:
    page = list_jobs.sync(client=client, limit=2)
    assert isinstance(page, JobPage) and {job.id for job in page.items} == ids
    assert {type(job) for job in page.items} == {SaliencyJob, InversionJob}


def _refused(client: Client) -> None:
    problem = get_job.sync("0" * 32, client=client)
    assert isinstance(problem, ProblemDocument) and problem.code is ProblemCode.JOB_NOT_FOUND


def _predicted(client: Client, photograph: Path) -> str:
    form = PredictWithModelForm(image=_file(photograph))
    job = predict_with_model.sync("efficientnet_lite0", client=client, body=form)
    assert isinstance(job, PredictJob) and job.result, job
    return job.result.summary.predictions[0].label


def _file(photograph: Path) -> File:
    return File(io.BytesIO(photograph.read_bytes()), photograph.name, "image/png")


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
