"""The catalog of techniques: parameters, inputs and artifacts of each."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from catalog.registry import find_technique, techniques
from catalog.technique import Technique
from service.addresses import own_url
from service.request_schema import parameter_schema

router = APIRouter(prefix="/v1/techniques", tags=["menu"])


class ImageInputView(BaseModel):
    name: str = Field(description="Name of the field in the request.")
    description: str = Field(description="What the input is for.")
    required: bool = Field(description="Whether the technique always needs it.")
    kind: Literal["image", "array"] = Field(
        description="An image file, or an array in the .npy format of NumPy."
    )
    bands: bool = Field(
        description="Whether an image may also be a .npy array [C, H, W] of the model's channels."
    )


class ArtifactSpecView(BaseModel):
    name: str = Field(description="`{n}` stands for a number.")
    media_type: str = Field(description="Media type of the file.")
    description: str = Field(description="What the file shows.")
    only_with: str | None = Field(
        description="The parameter that requests this file; null if the file is always made."
    )


class TechniqueView(BaseModel):
    name: str = Field(description="Name of the technique, as in POST /v1/jobs/{technique}.")
    title: str = Field(description="Title, for people.")
    description: str = Field(description="What the technique does.")
    reference: str = Field(description="The publications that it implements.")
    score: str = Field(
        description="Whether the technique reads logits, probabilities or activations."
    )
    queue: Literal["fast", "slow"] = Field(description="`fast` for seconds, `slow` for minutes.")
    images: list[ImageInputView] = Field(description="The images and arrays that it takes.")
    one_of: list[str] = Field(description="Exactly one of these images must be sent.")
    artifacts: list[ArtifactSpecView] = Field(description="The files that it makes.")
    parameters: dict[str, Any] = Field(description="JSON Schema of the parameters.")
    summary: dict[str, Any] = Field(description="JSON Schema of `result.summary`.")
    example: str = Field(
        description=(
            "A command to adapt: `photo.jpg` is an image of yours, and `image_set` the id of an "
            "image set of yours, from POST /v1/image-sets."
        )
    )


class TechniqueList(BaseModel):
    items: list[TechniqueView] = Field(description="The techniques, in alphabetical order.")


@router.get("", operation_id="list_techniques", summary="List the techniques")
def list_techniques() -> TechniqueList:
    return TechniqueList(items=[_view(technique) for technique in techniques().values()])


@router.get("/{technique}", operation_id="get_technique", summary="Read one technique")
def get_technique(technique: str) -> TechniqueView:
    return _view(find_technique(technique))


def _view(technique: Technique) -> TechniqueView:
    return TechniqueView(
        name=technique.name,
        title=technique.title,
        description=technique.description,
        reference=technique.reference,
        score=technique.score,
        queue=technique.queue,
        images=[ImageInputView(**vars(spec)) for spec in technique.inputs],
        one_of=list(technique.one_of),
        artifacts=[ArtifactSpecView(**vars(artifact)) for artifact in technique.artifacts],
        parameters=parameter_schema(technique),
        summary=technique.summary.model_json_schema(mode="serialization"),
        example=_example(technique),
    )


def _example(technique: Technique) -> str:
    files = [f"-F {spec.name}=@photo.jpg" for spec in technique.minimal_inputs]
    fields = [f"-F {name}={value}" for name, value in technique.example.items()]
    return " ".join(["curl", *files, *fields, own_url(f"/v1/jobs/{technique.name}")])
