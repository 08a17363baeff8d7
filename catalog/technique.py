"""What a technique declares about itself: the parts from which forms, docs and OpenAPI are derived."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from catalog.models import DEFAULT_MODEL, ModelEntry
from catalog.weighted_targets import WeightedTarget

MAX_SEED = 2**63 - 1

R = TypeVar("R", bound="Params")


class Params(BaseModel):
    """Parameters that every technique takes. A subclass adds its own; each field documents itself."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    model: str = Field(DEFAULT_MODEL, description="Name of the model, as listed by GET /v1/models.")
    seed: int | None = Field(
        None,
        ge=0,
        le=MAX_SEED,
        description="Seed of all randomness; drawn and recorded when not given.",
    )

    targets_at: ClassVar[str] = "/target"  # JSON pointer of the parameter that names targets
    layers_need_maps: ClassVar[bool] = False  # must the output of every named layer have places?

    def named_layers(self) -> tuple[str, ...]:
        """Layers that the request names besides its targets; they are looked up before it is accepted."""
        return ()

    def named_targets(self) -> tuple[WeightedTarget, ...]:
        """Targets, as texts; they too are looked up before the request is accepted. Raises InvalidTarget."""
        return ()

    def resolved(self, model: ModelEntry) -> "Params":
        """Return the parameters with every default that depends on the model filled in.

        A technique with such defaults returns its resolved type, which `Technique.resolved` names.
        """
        return self

    def with_defaults(self, resolved: type[R], defaults: Mapping[str, Any]) -> R:
        """Return these parameters as the resolved type, with `defaults` for those that are None."""
        given = {name: value for name, value in self.model_dump().items() if value is not None}
        return resolved.model_validate({**defaults, **given})

    def array_layer(self, name: str) -> str | None:
        """The layer whose output the array of that name stands in for; None where only the loaded model can tell.

        Raises InvalidParameters.
        """
        return None

    def check_model(self, model: ModelEntry) -> None:
        """Refuse what this model cannot do, as far as that is known without loading it.

        Raises InvalidParameters or TooExpensive.
        """

    cost_advice: ClassVar[
        tuple[str, ...]
    ] = ()  # what to change in a request that costs too much: "lower steps"

    def estimated_passes(self, model: ModelEntry) -> int:
        """About how many images go through the model, with or without a gradient; larger ones count by their area."""
        return 1

    def depends_on_seed(self) -> bool:
        """Could another seed give another result? False only where it certainly gives the same files and numbers."""
        return True

    def deterministic(self) -> bool:
        """Do parameters, inputs and the model's weights settle the result? Then it may be used for an identical job."""
        return True

    def batchable(self) -> bool:
        """True where several waiting jobs of one model gain by running as one batch: a pass or two, one image each."""
        return False

    def check_inputs(self, sent: Set[str]) -> None:
        """Refuse images that are missing or of no use, by their names, for what the other parameters ask.

        What the technique always requires has been looked at before. Raises ImageMissing or InvalidParameters.
        """


class TargetParams(Params):
    """Parameters of a technique that explains one neuron."""

    target: str = Field(
        "top",
        max_length=300,
        description=(
            "The neuron to explain: `top` (the model's first prediction), `class:285`, `class:Egyptian cat`, "
            "`layer:channel`, `layer:channel@y,x`, `layer:channel@center` or `layer`."
        ),
        examples=["top", "class:285", "blocks.4.0.conv_pw:20@center"],
    )

    def named_targets(self) -> tuple[WeightedTarget, ...]:
        return (WeightedTarget(self.target),)


class Summary(BaseModel):
    """A technique's own numbers, as they appear in `result.summary`."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class InputSpec:
    """One image, or array of numbers, that a technique takes, under the name it has in the request."""

    name: str
    description: str
    required: bool = True
    kind: Literal["image", "array"] = "image"


@dataclass(frozen=True)
class ArtifactSpec:
    """One file that a technique leaves: always, or only where the parameter `only_with` asks for it."""

    name: str  # {n} stands for a number: patch-{n}.png
    media_type: str
    description: str
    only_with: str | None = None


@dataclass(frozen=True)
class Technique:
    """One entry of the menu."""

    title: str
    reference: str
    score: str
    params: type[Params]
    summary: type[Summary]
    resolved: type[Params] = Params  # what `params.resolved()` returns; `params` by default
    inputs: tuple[InputSpec, ...] = ()
    one_of: tuple[
        str, ...
    ] = ()  # names of images that are not required by themselves: exactly one of them is sent
    artifacts: tuple[ArtifactSpec, ...] = ()
    queue: Literal["fast", "slow"] = "fast"
    example: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        if self.resolved is Params:
            object.__setattr__(self, "resolved", self.params)

    @property
    def minimal_inputs(self) -> tuple[InputSpec, ...]:
        """The inputs of the shortest request: those that are required, and the first of `one_of`."""
        return tuple(
            image for image in self.inputs if image.required or image.name in self.one_of[:1]
        )

    @property
    def reads_image_set(self) -> bool:
        """True for a technique whose parameters name an image set (catalog/image_set.py)."""
        return "image_set" in self.params.model_fields
