"""Inversion: reconstruct an image from a layer's output, to see what the layer has discarded.

The result is the image x whose output at the layer, Φ(x), is closest to a given one, Φ0. Any layer
is possible, including fully connected ones. Send a photograph, or Φ0 itself as `embedding`, a .npy
file of the layer's shape (the technique `embed` makes one). The error is ‖Φ(x) − Φ0‖² / ‖Φ0‖².

`mahendran_vedaldi` is the published recipe: gradient descent with momentum on the pixels, with
penalties on their magnitude (Σ|x|^α) and their total variation. `modern` suits networks with many
layers and batch normalization: Adam in the Fourier space of decorrelated colours, through small
random shifts and noise. A layer whose output is a vector determines little of the image, so there
is a penalty on contrast, too. With `layers` one run inverts several layers and saves one strip of
all.
"""

from collections.abc import Sequence, Set
from typing import Any, Literal

from pydantic import Field

from catalog.checks import refuse_unused
from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.models import ModelEntry
from catalog.optimization import MAX_PIXELS
from catalog.prediction import PredictedClass
from catalog.summary import SummaryPart
from catalog.targets import Target
from catalog.technique import ArtifactSpec, InputSpec, Params, Summary, Technique

Recipe = Literal["modern", "mahendran_vedaldi"]
ALPHA = 6.0
MAX_LAYERS = 16
# Steps × pixels × restarts × layers.
MAX_STEP_PIXELS = 512 * 224**2 * 16

RECIPES: dict[str, dict[str, Any]] = {
    "modern": {"steps": 256, "rate": 0.1, "alpha_weight": 0.0},
    "mahendran_vedaldi": {"steps": 400, "rate": 0.004, "alpha_weight": 8e-10, "jitter": 0.0},
}


class InversionParams(Params):
    differentiates_by_image = True
    cost_advice = ("lower steps", "lower restarts", "lower the number of layers")

    layer: str | None = Field(
        None,
        max_length=200,
        description=(
            "The layer. By default the one that the model recommends, otherwise the last one "
            "before "
            "the classes."
        ),
        examples=["global_pool"],
    )
    layers: str | None = Field(
        None,
        max_length=2000,
        description=(
            f"Several layers instead, separated by commas, {MAX_LAYERS} at most, for one strip of "
            f"images."
        ),
        examples=["conv_stem, blocks.1, blocks.3, blocks.5, global_pool, classifier"],
    )
    recipe: Recipe = Field("modern", description="The method. It determines the defaults below.")
    restarts: int = Field(
        1, ge=1, le=16, description="Number of reconstructions of each layer, from different noise."
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="Number of steps: 256 for modern, 400 for mahendran_vedaldi.",
    )
    rate: float | None = Field(
        None,
        gt=0,
        le=100,
        description=(
            "Learning rate of Adam, which falls to 0 (modern), or of the gradient in units of σ², "
            "multiplied by 0.1 and 0.01 after a quarter and three quarters of the steps "
            "(mahendran_vedaldi)."
        ),
    )
    tv: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description=(
            "Weight of the total variation. By default it depends on the depth of the layer; for "
            "modern and a vector it is 5."
        ),
    )
    alpha: float = Field(
        ALPHA, ge=1, le=10, description="Exponent of Σ|x|^α, for mahendran_vedaldi."
    )
    alpha_weight: float | None = Field(
        None, ge=0, le=1, description="Weight of Σ|x|^α, for mahendran_vedaldi."
    )
    jitter: float | None = Field(
        None,
        ge=0,
        le=64,
        description=(
            "Random shift in pixels, for modern. By default it depends on the stride of the layer."
        ),
    )

    def paths(self) -> tuple[str, ...]:
        """Return the named layers in their order."""
        if self.layers is None:
            return () if self.layer is None else (self.layer,)
        return tuple(path.strip() for path in self.layers.split(",") if path.strip())

    def named_layers(self) -> tuple[str, ...]:
        return self.paths()

    def array_layer(self, name: str) -> str | None:
        paths = self.paths()
        if len(paths) > 1:
            message = "An embedding belongs to one layer. Name that one only."
            raise InvalidParameters(message, [Violation("/layers", message)])
        return paths[0] if paths else None

    def resolved(self, model: ModelEntry) -> "ResolvedInversion":
        defaults = dict(RECIPES[self.recipe])
        if self.layers is None:
            defaults["layer"] = model.recommended.get("inversion")
        return self.with_defaults(ResolvedInversion, defaults)

    def validate_inputs(self, sent: Set[str]) -> None:
        if "embedding" in sent and not self.paths():
            message = "Name the layer of the embedding: -F layer=…."
            raise InvalidParameters(message, [Violation("/layer", message)])


class ResolvedInversion(InversionParams):
    """Parameters with every default filled in that does not depend on the loaded model.

    If `tv` or `jitter` is None, each layer has its own, by its depth and its stride. If no layer is
    named, the last one before the classes is inverted.
    """

    steps: int
    rate: float
    alpha_weight: float

    def estimated_passes(self, model: ModelEntry) -> int:
        return self.steps * self.restarts * max(1, len(self.paths()))

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        self._check_layers()
        self._check_recipe()
        steps, count = self.steps, max(1, len(self.paths()))
        if self.restarts * model.input_size**2 > MAX_PIXELS:
            message = (
                f"{self.restarts} restarts of {model.input_size} × {model.input_size} pixels are "
                f"too "
                "many at once."
            )
            raise TooExpensive(message, [Violation("/restarts", message)])
        if steps * model.input_size**2 * self.restarts * count > MAX_STEP_PIXELS:
            message = (
                f"{steps} steps for {count} layers with {self.restarts} restarts of "
                f"{model.input_size} × {model.input_size} pixels cost too much. "
                "Lower steps, restarts or layers."
            )
            raise TooExpensive(message, [Violation("/steps", message)])

    def _check_recipe(self) -> None:
        if self.recipe == "modern":
            refuse_unused("alpha", self.alpha, ALPHA, "the recipe mahendran_vedaldi")
            refuse_unused("alpha_weight", self.alpha_weight, 0, "the recipe mahendran_vedaldi")
        else:
            refuse_unused("jitter", self.jitter, 0, "the recipe modern")

    def _check_layers(self) -> None:
        paths, message = self.paths(), ""
        if self.layer is not None and self.layers is not None:
            message = "Send layer or layers, not both."
        elif self.layers is not None and not 1 <= len(paths) <= MAX_LAYERS:
            message = f"Name 1 to {MAX_LAYERS} layers, separated by commas."
        elif len(set(paths)) < len(paths):
            message = "Name each layer once."
        if message:
            raise InvalidParameters(message, [Violation("/layers", message)])


class InvertedLayer(SummaryPart):
    layer: str = Field(description="Name of the layer.")
    shape: list[int] = Field(description="Shape of its output for one image.")
    error: list[float] = Field(description="‖Φ(x) − Φ0‖² / ‖Φ0‖² of each 8-bit result.")
    predicted: list[PredictedClass] = Field(
        description="The model's first prediction for each result."
    )
    same_class: list[bool] | None = Field(
        None, description="Whether this is the class of the original. Absent for an embedding."
    )
    tv: float = Field(description="The weight of the total variation.")
    jitter: float = Field(description="The random shift, in pixels.")
    file: str = Field(description="Name of the artifact that shows the result.")


class InversionSummary(Summary):
    recipe: str = Field(description="The recipe that was used.")
    chosen: Literal["named", "recommended", "by_depth"] = Field(description="Origin of the layers.")
    original: PredictedClass | None = Field(
        None,
        description=(
            "The model's first prediction for the image that was sent; absent for an embedding."
        ),
    )
    layers: list[InvertedLayer] = Field(description="In the order in which they were named.")
    size: int = Field(description="Side of each image, in pixels.")
    steps: int = Field(description="Number of steps for each layer.")


TECHNIQUE = Technique(
    title="Inversion",
    reference=(
        "Mahendran & Vedaldi 2015, Understanding Deep Image Representations by Inverting Them; "
        "Olah, Mordvintsev & Schubert 2017, Feature Visualization (parametrization)"
    ),
    score="activation",
    params=InversionParams,
    resolved=ResolvedInversion,
    summary=InversionSummary,
    inputs=(
        InputSpec("image", "The photograph whose output at the layer is inverted.", required=False),
        InputSpec(
            "embedding",
            "The output of the layer, with the layer's shape.",
            required=False,
            kind="array",
        ),
    ),
    one_of=("image", "embedding"),
    artifacts=(
        ArtifactSpec(
            "strip.png",
            "image/png",
            "The image that was sent, then the best reconstruction of each layer.",
        ),
        ArtifactSpec(
            "image-{n}.png",
            "image/png",
            "The reconstruction of layer number n, the best of several.",
        ),
        ArtifactSpec(
            "restarts-{n}.png",
            "image/png",
            "With `restarts`: all reconstructions of layer number n, in a grid.",
            only_with="restarts",
        ),
        ArtifactSpec(
            "curve.json", "application/json", "The parts of the loss at every step, by layer."
        ),
    ),
    queue="slow",
    example={"steps": 32},
)
