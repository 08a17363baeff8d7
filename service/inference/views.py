"""What the calls of both inference protocols return, for OpenAPI."""

from typing import Any

from pydantic import BaseModel, Field


class ExplainResponse(BaseModel):
    explanations: list[dict[str, Any]] = Field(
        description=(
            "For each image: `target`, `score`, `summary`, `job`, and the outputs by their names, "
            'a file as `{"b64": text}`.'
        )
    )
    predictions: list[list[dict[str, Any]]] | None = Field(
        None, description="For each image its first class, if the technique tells it."
    )


class PredictResponse(BaseModel):
    predictions: list[list[dict[str, Any]]] = Field(
        description="For each image: `index`, `label` and `probability` of classes."
    )


class AcceptedInference(BaseModel):
    """What runs for a request with `Prefer: respond-async`."""

    job: str = Field(description="Address of the job of the first image.")
    jobs: list[str] = Field(description="Addresses of the jobs of all images, in their order.")


class ServerMetadata(BaseModel):
    name: str = Field(description="`retinoscope`.")
    version: str = Field(description="Version of the server.")
    extensions: list[str] = Field(description="None.")


class Live(BaseModel):
    live: bool = Field(description="True.")


class Ready(BaseModel):
    ready: bool = Field(description="Whether jobs can be accepted.")
    live: bool = Field(description="The same; the protocol's text has this name.")


class ModelNames(BaseModel):
    models: list[str] = Field(description="The served names.")


class TensorMetadata(BaseModel):
    name: str = Field(description="Name of the tensor.")
    datatype: str = Field(description="BYTES or FP32.")
    shape: list[int] = Field(description="Its shape; -1 is any length.")


class ModelMetadata(BaseModel):
    name: str = Field(description="The served name.")
    versions: list[str] = Field(description="Its versions: `1`.")
    platform: str = Field(description="`retinoscope`.")
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelReady(BaseModel):
    name: str = Field(description="The served name.")
    ready: bool = Field(description="Whether a worker is running.")


class Tensor(TensorMetadata):
    parameters: dict[str, Any] | None = Field(
        None, description="Of BYTES: `content_type` is `str`, since the elements are JSON texts."
    )
    data: list[Any] = Field(description="The elements, row by row.")


class Inference(BaseModel):
    model_name: str = Field(description="The served name.")
    model_version: str = Field(description="`1`.")
    id: str = Field(description="Id of the request, as it was sent, or a new one.")
    outputs: list[Tensor]
