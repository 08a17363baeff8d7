"""The job of a batch, as the calls about jobs show it. It only describes what is sent."""

from typing import Literal

from pydantic import Field

from catalog.summary import SummaryPart
from jobs.batch import BatchSpec
from jobs.model import Input
from service.job_view import ArtifactView, JobView, ResultView
from service.provenance_view import Provenance

_SHOWN = JobView.model_fields


class BatchSummary(SummaryPart):
    """How many rows a batch has that has succeeded."""

    total: int = Field(description="Images of the batch.")
    succeeded: int = Field(description="Of these, rows with a result.")
    failed: int = Field(description="Of these, rows with an error.")


class BatchResult(ResultView):
    """The result of a batch that has succeeded."""

    summary: BatchSummary = Field(  # type: ignore[assignment]  # only described
        description="The numbers of rows."
    )
    artifacts: list[ArtifactView] = Field(
        description="`manifest.jsonl` and the shards: a tar, `shard-00000.tar`, and further ones."
    )


class BatchParams(BatchSpec):
    """What a batch runs, over which images."""

    model_config = BatchSpec.model_config | {"json_schema_serialization_defaults_required": True}


class BatchJob(JobView):
    """A batch, as a job. `GET /v1/batches/{batch_id}` says more of it."""

    technique: Literal["batch"] = Field(description=_SHOWN["technique"].description)
    params: BatchParams = Field(  # type: ignore[assignment]
        description=_SHOWN["params"].description
    )
    inputs: dict[str, Input] = Field(description="Empty: the images are those of the set.")
    result: BatchResult | None = Field(description=_SHOWN["result"].description)
    provenance: Provenance = Field(  # type: ignore[assignment]
        description=_SHOWN["provenance"].description
    )
