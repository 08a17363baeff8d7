"""Top patches: the parts of an image set that activate a channel most, one for each image.

The first question about a layer sends every image of the set through the model once. The best
images and places of every channel are kept in an index, which answers later questions about that
layer. Images that were added meanwhile are run first. A box is the exact receptive field of the
unit in pixels of the image, clipped to what the network sees.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from catalog.errors import InvalidTarget
from catalog.heatmap import ExplainedTarget
from catalog.image_set import EXAMPLE, TOP, ImageSetParams, IndexUse, Patch
from catalog.models import ModelEntry, ReceptiveField
from catalog.targets import Target
from catalog.technique import ArtifactSpec, Summary, TargetParams, Technique


class TopPatchesParams(ImageSetParams, TargetParams):
    target: str = Field(
        max_length=300,
        description="A channel, `layer:channel`, or a class, `class:285`.",
        examples=["blocks.4.0.conv_pw:20", "class:285"],
    )
    k: int = Field(9, ge=1, le=TOP, description="Number of patches, at most one for each image.")
    crop: Literal["receptive_field", "effective"] = Field(
        "receptive_field",
        description=(
            "What is cut out: everything that the unit can see, or the part with 90 % of its "
            "gradient. "
            "That part is smaller in deep layers and costs a backward pass."
        ),
    )
    guided: bool = Field(False, description="Also save the guided backpropagation of each patch.")

    def estimated_passes(self, model: ModelEntry) -> int:
        return 1 + self.k * ((self.crop == "effective") + self.guided)

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        (target,) = targets
        if target.kind not in ("channel", "class"):
            raise InvalidTarget(
                "All places of a channel are searched. Name one channel, as layer:channel, or a "
                f"class, not {self.target!r}."
            )

        if target.kind == "class" and model.dense:
            raise InvalidTarget(
                f"Model {model.name!r} has class scores at each place. Name a channel of a layer, "
                "as layer:channel."
            )

    def indexed_layer(self, model: ModelEntry, targets: Sequence[Target]) -> str:
        return targets[0].layer or ""


class TopPatchesSummary(Summary):
    target: ExplainedTarget
    receptive_field: ReceptiveField | None = Field(
        None,
        description="In pixels of the network's input. Absent if each unit sees the whole image.",
    )
    crop: str = Field(description="What was cut out, as the parameter says.")
    patches: list[Patch] = Field(description="The patches, the best first.")
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
            "patches.png",
            "image/png",
            "The patches in a grid with their activations, the best first.",
        ),
        ArtifactSpec("places.png", "image/png", "The images of the patches, with the boxes drawn."),
        ArtifactSpec(
            "patches.json", "application/json", "The patches: image, activation, position, box."
        ),
        ArtifactSpec("patch-{n}.png", "image/png", "One patch, in pixels of the image."),
        ArtifactSpec(
            "guided-{n}.png",
            "image/png",
            "With `guided`: the gradient of the patch, in pixels of the network's input.",
            only_with="guided",
        ),
    ),
    example={"image_set": EXAMPLE, "target": "class:7", "k": 9},
)
