"""What a technique declares about itself. Forms, documentation and OpenAPI are derived from it."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from catalog.models import DEFAULT_MODEL, ModelDescription, ModelEntry
from catalog.summary import SummaryPart
from catalog.targets import Target
from catalog.weighted_targets import WeightedTarget

MAX_SEED = 2**63 - 1

R = TypeVar("R", bound="Params")


@dataclass(frozen=True)
class Traits:
    """Properties of a job that decide how it may be run and whether its result may be shared.

    `batchable`: several waiting jobs of one model gain by running as one batch, because each needs
    only a pass or two of one image.
    `deterministic`: parameters, inputs and the model's weights determine the result, so that it may
    be used for an identical job.
    `uses_seed`: another seed could give another result. False only if it certainly gives the same
    files and numbers.
    """

    batchable: bool = False
    deterministic: bool = True
    uses_seed: bool = True


class Params(BaseModel):
    """Parameters that every technique takes.

    A subclass adds its own, and the description of each field is its documentation.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    model: str = Field(DEFAULT_MODEL, description="Name of the model, as listed by GET /v1/models.")
    seed: int | None = Field(
        None,
        ge=0,
        le=MAX_SEED,
        description="Seed of all randomness. By default one is drawn and recorded.",
    )

    # JSON pointer of the parameter that names the targets.
    targets_at: ClassVar[str] = "/target"
    # Whether the output of every named layer must be a map.
    layers_need_maps: ClassVar[bool] = False
    # Whether the technique computes gradients with respect to the image.
    differentiates_by_image: ClassVar[bool] = False
    # What to change in a request that costs too much, such as "lower steps".
    cost_advice: ClassVar[tuple[str, ...]] = ()

    def resolved(self, model: ModelEntry) -> "Params":
        """Return the parameters with every default that depends on the model filled in.

        A technique with such defaults returns its resolved type, which `Technique.resolved` names.
        """
        return self

    def with_defaults(self, resolved: type[R], defaults: Mapping[str, Any]) -> R:
        """Return these parameters as the resolved type, with `defaults` for those that are None."""
        given = {name: value for name, value in self.model_dump().items() if value is not None}
        return resolved.model_validate({**defaults, **given})

    def named_targets(self) -> tuple[WeightedTarget, ...]:
        """Return the targets as texts. They are looked up before the request is accepted.

        Raises InvalidTarget.
        """
        return ()

    def named_layers(self) -> tuple[str, ...]:
        """Return the layers that are named besides the targets. They are looked up, too."""
        return ()

    def array_layer(self, name: str) -> str | None:
        """Return the layer whose output the array of that name replaces.

        None if only the loaded model can tell. Raises InvalidParameters.
        """
        return None

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        """Refuse what this model cannot do, as far as it is known without loading the model.

        The parameters are resolved; `targets` are the parsed `named_targets`. Raises
        InvalidParameters, InvalidTarget or TooExpensive.
        """

    def validate_inputs(self, sent: Set[str]) -> None:
        """Refuse inputs, by their names, that the other parameters require or do not use.

        Inputs that the technique always requires were checked before. Raises ImageMissing or
        InvalidParameters.
        """

    def validate_images(
        self,
        model: ModelEntry,
        sizes: Mapping[str, tuple[int, int]],
        description: ModelDescription,
    ) -> None:
        """Refuse images whose (width, height), by their names, the layers do not take.

        Raises OneSize.
        """

    def estimated_passes(self, model: ModelEntry) -> int:
        """Estimate how many images go through the model, with or without a gradient.

        An image that is larger than the model's input counts by its area.
        """
        return 1

    def traits(self) -> Traits:
        """Return what decides how a job with these parameters may be run and shared."""
        return Traits()


class TargetParams(Params):
    """Parameters of a technique that explains one neuron."""

    target: str = Field(
        "top",
        max_length=300,
        description=(
            "The neuron to explain: `top` (the model's first prediction), `class:285`, "
            "`class:Egyptian cat`, `class:12@120,80` (one place of a dense output), "
            "`layer:channel`, `layer:channel@y,x`, `layer:channel@center` or "
            "`layer`."
        ),
        examples=["top", "class:285", "blocks.4.0.conv_pw:20@center"],
    )

    def named_targets(self) -> tuple[WeightedTarget, ...]:
        return (WeightedTarget(self.target),)


class Summary(SummaryPart):
    """A technique's own numbers, as they appear in `result.summary`."""

    def to_json(self) -> dict[str, Any]:
        """Return the object that is recorded and sent."""
        return self.model_dump(mode="json", exclude_none=True)


@dataclass(frozen=True)
class InputSpec:
    """An image, or an array of numbers, that a technique takes under this name in the request."""

    name: str
    description: str
    required: bool = True
    kind: Literal["image", "array"] = "image"
    # Whether an image may also be an array of the model's own channels.
    bands: bool = False


@dataclass(frozen=True)
class ArtifactSpec:
    """A file that a technique saves: always, or only if the parameter `only_with` asks for it.

    The parameter asks for it with the value `only_for`, or else with any but its default.
    """

    # `{n}` stands for a number, as in patch-{n}.png.
    name: str
    media_type: str
    description: str
    only_with: str | None = None
    only_for: str | None = None

    def is_asked_for(self, params: Params) -> bool:
        """Return whether a job with these parameters saves the file."""
        if self.only_with is None:
            return True
        value = getattr(params, self.only_with)
        if self.only_for is not None:
            return bool(value == self.only_for)
        return bool(value != type(params).model_fields[self.only_with].default)


@dataclass(frozen=True)
class Technique:
    """One technique of the catalog."""

    title: str
    reference: str
    score: str
    params: type[Params]
    summary: type[Summary]
    # The type that `params.resolved()` returns; `params` by default.
    resolved: type[Params] = Params
    inputs: tuple[InputSpec, ...] = ()
    # Names of inputs of which exactly one must be sent.
    one_of: tuple[str, ...] = ()
    artifacts: tuple[ArtifactSpec, ...] = ()
    queue: Literal["fast", "slow"] = "fast"
    example: dict[str, Any] = field(default_factory=dict)
    # Whether it works on an output with class scores at each place.
    dense: bool = True
    # Whether it needs the probability of a class, and not only a score.
    needs_probability: bool = False
    name: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        if self.resolved is Params:
            object.__setattr__(self, "resolved", self.params)

    @property
    def minimal_inputs(self) -> tuple[InputSpec, ...]:
        """The inputs of the shortest request: the required ones, and the first of `one_of`."""
        return tuple(
            image for image in self.inputs if image.required or image.name in self.one_of[:1]
        )

    @property
    def sees_bands(self) -> bool:
        """Whether it works on a model whose input is not a photograph, but an array of bands."""
        images = [spec for spec in self.inputs if spec.kind == "image"]
        return all(spec.bands for spec in images) and not self.reads_image_set

    @property
    def reads_image_set(self) -> bool:
        """Whether the parameters name an image set (catalog/image_set.py)."""
        return "image_set" in self.params.model_fields
