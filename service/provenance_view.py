"""What a result depends on besides parameters and inputs, as `workers/provenance.py` records it."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict


class FoldedBatchNorm(TypedDict):
    """Batch norms that were folded into the convolutions before them."""

    folded: Annotated[int, Field(description="Number of folded batch norms.")]
    error: Annotated[
        float | None,
        Field(
            description=(
                "Largest difference that this makes in any output, divided by the largest output; "
                "null if the outputs are not finite."
            )
        ),
    ]


class Provenance(TypedDict, total=False):
    """What produced the result. All fields are absent until the job has succeeded."""

    retinoscope: Annotated[str, Field(description="Version of Retinoscope.")]
    torch: Annotated[str, Field(description="Version of PyTorch.")]
    device: Annotated[str, Field(description="The device: `cuda:0 NVIDIA H200`, `cpu x86_64`.")]
    weights: Annotated[str, Field(description="SHA-256 of the model's weights.")]
    folded_batch_norm: FoldedBatchNorm
    left_out: Annotated[
        list[str],
        Field(description="Optimizations without which the model ran, as its layers' list says."),
    ]
    precision: Annotated[str, Field(description="`float32` or `tf32`.")]
    rounding: Annotated[
        float | None,
        Field(
            description=(
                "By how much TF32 changes an output, relative to the largest output; 0 without "
                "TF32, and null if the outputs are not finite."
            )
        ),
    ]
    seed: Annotated[int, Field(description="Seed of all randomness.")]
    together: Annotated[int, Field(description="Number of jobs in the batch.")]
    worker: Annotated[str, Field(description="Name of the worker.")]
