"""The fields of one model in the TOML file, as they are written there."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Scalars = float | list[float]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class CustomModelTable(BaseModel):
    """[models.NAME]. Paths are relative to the file."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    builder: str = Field(
        description='Write "module:function"; the module may lie beside the TOML file.'
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Keyword arguments of the function."
    )
    weights: Text = Field(
        description="Write the path of a safetensors file, or of a state dict saved by torch.save."
    )
    weights_key: str = Field(
        "", description="Where a checkpoint keeps its state dict, if not at the top."
    )
    prefix: str = Field(
        "", description="Beginning that is cut off the names; tensors without it are left out."
    )
    renames: dict[str, str] = Field(
        default_factory=dict, description="Names that begin so, to what they become."
    )
    input_size: int = Field(
        ge=1, le=4096, description="Write the side of the square that the network sees, in pixels."
    )
    resize: int | None = Field(
        None, ge=1, le=8192, description="Shorter side before cropping; input_size by default."
    )
    fit: Literal["crop", "squash"] = Field(
        "crop", description="crop keeps the proportions, squash does not."
    )
    interpolation: Literal["bilinear", "bicubic"] = Field(
        "bilinear", description="How the image is resized."
    )
    channels: Literal[1, 3] = Field(3, description="3 for colour, 1 for grey.")
    mean: Scalars = Field(
        description="Write what training subtracted from pixels in 0..1, e.g. [0.0] if nothing."
    )
    std: Scalars = Field(description="Write what training then divided by, e.g. [1.0] if nothing.")
    classes: int | None = Field(
        None, ge=1, le=1_000_000, description="How many; the number of labels by default."
    )
    labels: str | list[Text] = Field(
        default_factory=list, description="A list, or a text file with one per line."
    )
    recommended: dict[str, str] = Field(
        default_factory=dict, description="Good layers by technique."
    )
    source: str = Field(
        "", max_length=300, description="Where the model comes from, for GET /v1/models."
    )

    def per_channel(self, field: Literal["mean", "std"]) -> tuple[float, ...]:
        """One number per channel; a single one holds for all."""
        given: Scalars = getattr(self, field)
        given = given if isinstance(given, list) else [given]
        return tuple(given * self.channels if len(given) == 1 else given)

    @field_validator("builder")
    @classmethod
    def _names_a_function(cls, builder: str) -> str:
        module, _, function = builder.partition(":")
        if (
            not all(part.isidentifier() for part in module.split("."))
            or not function.isidentifier()
        ):
            raise ValueError(f"{builder[:80]!r} is not of the form module:function.")
        return builder

    @model_validator(mode="after")
    def _fits_together(self) -> "CustomModelTable":
        for field in ("mean", "std"):
            if (count := len(self.per_channel(field))) != self.channels:
                raise ValueError(f"{field}: {count} numbers, but channels is {self.channels}.")
        if not all(value > 0 for value in self.per_channel("std")):
            raise ValueError("std: every number must be above 0.")
        if self.resize is not None and self.resize < self.input_size:
            raise ValueError(f"resize: {self.resize} is less than input_size {self.input_size}.")
        return self
