"""Top patches: the parts of an image set that activate a channel most, one per image.

The first question about a layer sends every image of the set through the model once and keeps, for every channel, the
best images and places. Every later question about that layer is answered from what was kept; images that were added
meanwhile are run first. A box is the exact receptive field of the unit, in pixels of the image, clipped at what the
network sees.
"""

from typing import Literal

from pydantic import Field

from catalog.errors import InvalidTarget
from catalog.heatmap import ExplainedTarget
from catalog.image_set import EXAMPLE, TOP, ImageSetParams, IndexUse, Patch
from catalog.models import ModelEntry, ReceptiveField, class_labels
from catalog.targets import Target, parse_target
from catalog.technique import ArtifactSpec, Summary, TargetParams, Technique


class TopPatchesParams(ImageSetParams, TargetParams):
    target: str = Field(
        max_length=300,
        description="A channel, `layer:channel`, or a class, `class:285`.",
        examples=["blocks.4.0.conv_pw:20", "class:285"],
    )
    k: int = Field(9, ge=1, le=TOP, description="Patches; at most one per image.")
    crop: Literal["receptive_field", "effective"] = Field(
        "receptive_field",
        description=(
            "What is cut out: all that the unit can see, or the part that 90 % of its gradient lies in, which is "
            "smaller in deep layers and costs a backward pass."
        ),
    )
    guided: bool = Field(
        False, description="Show the guided-backpropagation picture of each patch beside it."
    )

    def estimated_passes(self, model: ModelEntry) -> int:
        return 1 + self.k * ((self.crop == "effective") + self.guided)

    def check_model(self, model: ModelEntry) -> None:
        self.unit(model)

    def unit(self, model: ModelEntry) -> Target:
        """The parsed target. Raises InvalidTarget unless it is a channel or a class."""
        target = parse_target(self.target, class_labels(model), model.name)
        if target.kind not in ("channel", "class"):
            raise InvalidTarget(
                f"Name one channel, layer:channel, or a class, not {self.target!r}: all places are tried."
            )
        return target

    def indexed_layer(self, model: ModelEntry) -> str:
        return self.unit(model).layer or ""


class TopPatchesSummary(Summary):
    target: ExplainedTarget
    receptive_field: ReceptiveField | None = Field(
        None,
        description="In pixels of the network's input; absent where each unit sees everything.",
    )
    crop: str
    patches: list[Patch] = Field(description="Best first.")
    index: IndexUse


TECHNIQUE = Technique(
    title="Top patches",
    reference=(
        "Girshick et al. 2014, Rich Feature Hierarchies; "
        "Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks"
    ),
    score="activation; logit for a class",
    params=TopPatchesParams,
    summary=TopPatchesSummary,
    artifacts=(
        ArtifactSpec(
            "patches.png", "image/png", "The patches in a grid with their activations, best first."
        ),
        ArtifactSpec("places.png", "image/png", "The images they come from, with the boxes drawn."),
        ArtifactSpec(
            "patches.json", "application/json", "The patches: image, activation, position, box."
        ),
        ArtifactSpec("patch-{n}.png", "image/png", "One patch, in the image's own pixels."),
        ArtifactSpec(
            "guided-{n}.png",
            "image/png",
            "With `guided`: its gradient, in pixels of the network's input.",
            only_with="guided",
        ),
    ),
    example={"image_set": EXAMPLE, "target": "class:7", "k": 9},
)
