"""The fields of a custom model in the TOML file."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from catalog.model_entry import HeadName

Scalars = float | list[float]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class CustomModelTable(BaseModel):
    """A table [models.NAME] of the file. Paths are relative to the file."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    builder: str = Field(
        description='Write "module:function". The module may be next to the TOML file.'
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Keyword arguments of the function."
    )
    weights: Text = Field(
        description="Write the path of a safetensors file, or of a state dict saved by torch.save."
    )
    weights_key: str = Field(
        "", description="Key of the state dict in a checkpoint, if it is not at the top."
    )
    prefix: str = Field(
        "", description="Prefix that is removed from the names. Tensors without it are ignored."
    )
    renames: dict[str, str] = Field(
        default_factory=dict, description="Beginnings of names, and what replaces them."
    )
    ignore: list[Text] = Field(
        default_factory=list,
        description='Names of tensors that the model does not need, such as "*total_ops".',
    )
    input_size: int = Field(
        ge=1, le=4096, description="Write the side of the network's square input, in pixels."
    )
    resize: int | None = Field(
        None, ge=1, le=8192, description="Shorter side before cropping. By default input_size."
    )
    fit: Literal["crop", "squash"] = Field(
        "crop", description="crop keeps the proportions, squash does not."
    )
    interpolation: Literal["bilinear", "bicubic"] = Field(
        "bilinear", description="How the image is resized."
    )
    channels: int = Field(
        3, ge=1, le=1024, description="3 for colour, 1 for grey, any other number for arrays."
    )
    shown_channels: list[Annotated[int, Field(ge=0)]] | None = Field(
        None, description="Which three channels pictures show, or which one as grey."
    )
    mean: Scalars = Field(
        description="Write what training subtracted from pixels in 0..1: [0.0] if nothing."
    )
    std: Scalars = Field(description="Write what training then divided by: [1.0] if nothing.")
    classes: int | None = Field(
        None, ge=1, le=1_000_000, description="Number of classes. By default the number of labels."
    )
    head: HeadName | None = Field(
        None,
        description=(
            "What makes probabilities of the output: softmax, sigmoid, none (they are "
            "probabilities already), or raw (there are none)."
        ),
    )
    output: Text | int | list[Text | int] | None = Field(
        None, description="Key or index of the output, or the list of those that lead to it."
    )
    dense: bool = Field(False, description="true if the output has class scores at each place.")
    labels: str | list[Text] = Field(
        default_factory=list, description="A list, or a text file with one label on each line."
    )
    recommended: dict[str, str] = Field(
        default_factory=dict, description="Recommended layers by technique."
    )
    source: str = Field("", max_length=300, description="Origin of the model, for GET /v1/models.")

    def per_channel(self, field: Literal["mean", "std"]) -> tuple[float, ...]:
        """Return one number for each channel. A single number holds for all channels."""
        given: Scalars = getattr(self, field)
        given = given if isinstance(given, list) else [given]
        return tuple(given * self.channels if len(given) == 1 else given)

    @property
    def shown(self) -> tuple[int, ...]:
        """The channels that pictures show: by default the first three, or the first as grey."""
        return tuple(self.shown_channels or range(3 if self.channels >= 3 else 1))

    @property
    def output_path(self) -> tuple[str | int, ...]:
        """The keys and indices that lead to the output; empty if the model returns it alone."""
        if self.output is None:
            return ()
        return tuple(self.output) if isinstance(self.output, list) else (self.output,)

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
        if self.shown_channels is not None:
            self._check_shown(self.shown_channels)
        if self.resize is not None and self.resize < self.input_size:
            raise ValueError(f"resize: {self.resize} is less than input_size {self.input_size}.")
        return self

    def _check_shown(self, shown: list[int]) -> None:
        if self.channels in (1, 3):
            raise ValueError(
                "shown_channels: a model of 1 or 3 channels sees photographs, and pictures show "
                "all of them. Remove it."
            )
        if len(shown) not in (1, 3) or max(shown) >= self.channels:
            raise ValueError(
                f"shown_channels: write three channels of 0 to {self.channels - 1} as red, green "
                "and blue, or one as grey."
            )
