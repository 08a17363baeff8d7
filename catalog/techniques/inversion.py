"""Inversion: make an image again from what a layer keeps of it, to see what the layer has forgotten.

The image is sought whose output at the layer, Φ(x), is nearest to the one that is given, Φ0; any layer will do, fully
connected ones too. Send a photograph, or Φ0 itself as `embedding`, a .npy file of the layer's shape (the technique
`embed` makes one). The error is ‖Φ(x) − Φ0‖² / ‖Φ0‖².

`mahendran_vedaldi` is the published recipe: gradient descent with momentum in the pixels, which pay for their size
(Σ|x|^α) and for their total variation. `modern` suits networks with many layers and batch normalization: Adam in the
Fourier space of decorrelated colours, through small random shifts and noise. A vector, which settles little of a
picture, also pays for contrast. With `layers` one run inverts several, and leaves one strip of all.
"""

from collections.abc import Set
from typing import Any, Literal

from pydantic import BaseModel, Field

from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.idle import refuse_idle
from catalog.models import ModelEntry
from catalog.optimization import MAX_PIXELS, PredictedClass
from catalog.technique import ArtifactSpec, InputSpec, Params, Summary, Technique

Recipe = Literal["modern", "mahendran_vedaldi"]
ALPHA = 6.0
MAX_LAYERS = 16
MAX_STEP_PIXELS = 512 * 224**2 * 16  # steps × pixels × restarts × layers

RECIPES: dict[str, dict[str, Any]] = {
    "modern": {"steps": 256, "rate": 0.1, "alpha_weight": 0.0},
    "mahendran_vedaldi": {"steps": 400, "rate": 0.004, "alpha_weight": 8e-10, "jitter": 0.0},
}


class InversionParams(Params):
    cost_advice = ("lower steps", "lower restarts", "lower the number of layers")

    layer: str | None = Field(
        None,
        max_length=200,
        description="The layer; by default the one that the model recommends, or the last before the classes.",
        examples=["global_pool"],
    )
    layers: str | None = Field(
        None,
        max_length=2000,
        description=f"Several layers instead, {MAX_LAYERS} at most, commas between them, for one strip of pictures.",
        examples=["conv_stem, blocks.1, blocks.3, blocks.5, global_pool, classifier"],
    )
    recipe: Recipe = Field(
        "modern", description="How to go about it; the defaults below come from it."
    )
    restarts: int = Field(
        1, ge=1, le=16, description="Reconstructions of each layer, from different noise."
    )
    steps: int | None = Field(
        None, ge=1, le=4096, description="256 for modern, 400 for mahendran_vedaldi."
    )
    rate: float | None = Field(
        None,
        gt=0,
        le=100,
        description=(
            "Of Adam, falling to 0 (modern); or of the gradient in units of σ², ×0.1 and ×0.01 after a quarter and "
            "three quarters of the steps (mahendran_vedaldi)."
        ),
    )
    tv: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="Weight of the total variation; by default by the layer's depth, for modern and a vector 5.",
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
        description="Random shift in pixels, for modern; by default chosen by the layer's stride.",
    )

    def paths(self) -> tuple[str, ...]:
        """The layers that are named, in their order."""
        if self.layers is None:
            return () if self.layer is None else (self.layer,)
        return tuple(path.strip() for path in self.layers.split(",") if path.strip())

    def named_layers(self) -> tuple[str, ...]:
        return self.paths()

    def array_layer(self, name: str) -> str | None:
        paths = self.paths()
        if len(paths) > 1:
            message = "An embedding is of one layer: name that one."
            raise InvalidParameters(message, [Violation("/layers", message)])
        return paths[0] if paths else None

    def resolved(self, model: ModelEntry) -> "ResolvedInversion":
        defaults = dict(RECIPES[self.recipe])
        if self.layers is None:
            defaults["layer"] = model.recommended.get("inversion")
        return self.with_defaults(ResolvedInversion, defaults)

    def check_inputs(self, sent: Set[str]) -> None:
        if "embedding" in sent and not self.paths():
            message = "Name the layer that the embedding is of: -F layer=…."
            raise InvalidParameters(message, [Violation("/layer", message)])


class ResolvedInversion(InversionParams):
    """Inversion's parameters with everything filled in that does not depend on the layer.

    Without `tv` and `jitter` each layer has its own, by its depth and its stride. Without any layer the last one before
    the classes is inverted, which only the loaded model can name.
    """

    steps: int
    rate: float
    alpha_weight: float

    def estimated_passes(self, model: ModelEntry) -> int:
        return self.steps * self.restarts * max(1, len(self.paths()))

    def check_model(self, model: ModelEntry) -> None:
        self._check_layers()
        self._check_recipe()
        steps, count = self.steps, max(1, len(self.paths()))
        if self.restarts * model.input_size**2 > MAX_PIXELS:
            message = f"{self.restarts} restarts of {model.input_size} × {model.input_size} pixels are too many at once."
            raise TooExpensive(message, [Violation("/restarts", message)])
        if steps * model.input_size**2 * self.restarts * count > MAX_STEP_PIXELS:
            message = (
                f"{steps} steps for {count} layers with {self.restarts} restarts of {model.input_size} × "
                f"{model.input_size} pixels cost too much. Lower steps, restarts or layers."
            )
            raise TooExpensive(message, [Violation("/steps", message)])

    def _check_recipe(self) -> None:
        if self.recipe == "modern":
            refuse_idle("alpha", self.alpha, ALPHA, "the recipe mahendran_vedaldi")
            refuse_idle("alpha_weight", self.alpha_weight, 0, "the recipe mahendran_vedaldi")
        else:
            refuse_idle("jitter", self.jitter, 0, "the recipe modern")

    def _check_layers(self) -> None:
        paths, message = self.paths(), ""
        if self.layer is not None and self.layers is not None:
            message = "Send layer or layers, not both."
        elif self.layers is not None and not 1 <= len(paths) <= MAX_LAYERS:
            message = f"Name 1 to {MAX_LAYERS} layers, with commas between them."
        elif len(set(paths)) < len(paths):
            message = "Name each layer once."
        if message:
            raise InvalidParameters(message, [Violation("/layers", message)])


class InvertedLayer(BaseModel):
    layer: str
    shape: list[int]
    error: list[float] = Field(description="‖Φ(x) − Φ0‖² / ‖Φ0‖² of each 8-bit picture.")
    predicted: list[PredictedClass] = Field(
        description="The model's first prediction for each picture."
    )
    same_class: list[bool] | None = Field(
        None, description="Is it the original's? Absent for an embedding."
    )
    tv: float = Field(description="The weight of the total variation that was used.")
    jitter: float = Field(description="The random shift that was used, in pixels.")
    file: str


class InversionSummary(Summary):
    recipe: str
    chosen: Literal["named", "recommended", "by_depth"] = Field(
        description="Where the layers come from."
    )
    original: PredictedClass | None = Field(
        None, description="The model's first prediction for the image that was sent."
    )
    layers: list[InvertedLayer] = Field(description="In the order in which they were named.")
    size: int
    steps: int


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
            "The layer's output itself, of the layer's shape.",
            required=False,
            kind="array",
        ),
    ),
    one_of=("image", "embedding"),
    artifacts=(
        ArtifactSpec(
            "strip.png",
            "image/png",
            "The image that was sent, then each layer's best reconstruction.",
        ),
        ArtifactSpec(
            "image-{n}.png",
            "image/png",
            "The reconstruction of layer number n; of several, the best.",
        ),
        ArtifactSpec(
            "restarts-{n}.png",
            "image/png",
            "With `restarts`: all of layer number n, in a grid.",
            only_with="restarts",
        ),
        ArtifactSpec(
            "curve.json", "application/json", "By layer: the parts of the loss at every step."
        ),
    ),
    queue="slow",
    example={"steps": 32},
)
