"""Run a technique in a test, with a context that records everything and can stop the work."""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image

from catalog.model_entry import ModelEntry
from catalog.model_entry import Preprocessing as PreprocessingEntry
from catalog.registry import find_technique
from catalog.technique import Summary
from tests.tiny import SIDE, TinyNetwork, photo, seeded, tiny_model
from workers.execute import execute
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel

PHOTO = photo(61, 43, seed=5)


class Stopped(Exception):
    """What a context raises to end the work."""


@dataclass
class Recording(LocalContext):
    """A context that records media types.

    It raises Stopped at progress call number `stop_at`, or at the first file.
    """

    stop_at: int = 10**9
    refuse_files: bool = False
    media_types: dict[str, str] = field(default_factory=dict)

    def progress(
        self, done: int, total: int, message: str = "", *, loss: float | None = None
    ) -> None:
        super().progress(done, total, message, loss=loss)
        if len(self.steps) >= self.stop_at:
            raise Stopped

    def save(self, name: str, data: bytes, media_type: str) -> None:
        if self.refuse_files:
            raise Stopped
        super().save(name, data, media_type)
        self.media_types[name] = media_type


def explain(
    technique: str, model: VisionModel, image: Image.Image = PHOTO, **params: Any
) -> tuple[Summary, Recording]:
    """Run it on one image; the summary, and the context that holds the files."""
    context = Recording()
    return explain_into(context, technique, model, image, **params), context


def explain_into(
    context: Recording,
    technique: str,
    model: VisionModel,
    image: Image.Image = PHOTO,
    **params: Any,
) -> Summary:
    made = (
        find_technique(technique)
        .params.model_validate({"seed": 7, **params})
        .resolved(entry_of(model))
    )
    return execute(technique, made, model, {"image": image}, context)


def values(context: LocalContext) -> torch.Tensor:
    """The raw map, (H, W)."""
    return torch.from_numpy(np.load(io.BytesIO(context.files["values.npy"]), allow_pickle=False))


def entry_of(model: VisionModel) -> ModelEntry:
    """Return a catalog entry for a model that the catalog does not have."""
    preprocessing = model.preprocessing
    seen = PreprocessingEntry(
        resize=preprocessing.resize,
        crop=preprocessing.crop,
        interpolation="bilinear",
        mean=preprocessing.mean,
        std=preprocessing.std,
    )
    return ModelEntry(
        name=model.name,
        source="test",
        builder="own",
        weights="",
        classes=len(model.labels),
        preprocessing=seen,
        own_labels=model.labels,
        head=model.head.name,
        dense=model.head.dense,
    )  # fmt: skip


def wide_model() -> VisionModel:
    """Return the tiny network at three times its side: examples then take several steps."""
    preprocessing = Preprocessing(
        3 * SIDE + 10, 3 * SIDE, "bilinear", (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
    )
    base = tiny_model()
    return VisionModel(
        "tiny",
        Network(seeded(TinyNetwork), 3, 3 * SIDE, 3 * SIDE),
        preprocessing,
        base.labels,
        base.weights,
    )
