"""Print catalog/data/timm.json, the table of timm's classifiers with published weights.

`make models` runs it. Each line is one model: `architecture.tag`, the number of classes, and the
index of its preprocessing. The default tag of an architecture comes first.
"""

import json
from math import floor
from typing import Any

from timm.models import get_pretrained_cfg, list_pretrained

from catalog.model_entry import Preprocessing
from catalog.timm_models import PREPROCESSING_FIELDS

_FIT = {"center": "crop", "squash": "squash"}


def table() -> dict[str, Any]:
    """Return the preprocessings, and each model's number of classes and preprocessing index."""
    preprocessings: list[list[Any]] = []
    models: dict[str, list[int]] = {}
    for full in _names():
        config: Any = get_pretrained_cfg(full)
        if _supported(config):
            row = _preprocessing(config)
            if row not in preprocessings:
                preprocessings.append(row)
            models[full] = [config.num_classes, preprocessings.index(row)]
    return {"preprocessings": preprocessings, "models": models}


def _names() -> list[str]:
    """Return the names sorted by architecture, each one's default weights first."""

    def order(full: str) -> tuple[str, bool, str]:
        return full.partition(".")[0], not _is_default(full), full

    names: list[str] = sorted(list_pretrained(), key=order)
    return names


def _is_default(full: str) -> bool:
    architecture, _, tag = full.partition(".")
    config: Any = get_pretrained_cfg(architecture)
    return bool(config.tag == tag)


def _supported(config: Any) -> bool:
    """Return whether this is a classifier of square colour images that are cropped or squashed."""
    channels, height, width = config.input_size
    return config.num_classes > 0 and channels == 3 and height == width and config.crop_mode in _FIT


def _preprocessing(config: Any) -> list[Any]:
    side = config.input_size[1]
    resize = floor(side / config.crop_pct)
    made = Preprocessing(
        resize=resize,
        crop=side,
        interpolation=config.interpolation,
        mean=config.mean,
        std=config.std,
        fit=_FIT[config.crop_mode],
    )
    written = made.model_dump(mode="json")
    return [written[field] for field in PREPROCESSING_FIELDS]


def text() -> str:
    """Return the table as JSON with one row per line."""
    made = table()
    preprocessings = ",\n".join(json.dumps(row) for row in made["preprocessings"])
    models = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(row)}" for name, row in made["models"].items()
    )
    return f'{{"preprocessings": [\n{preprocessings}\n],\n"models": {{\n{models}\n}}}}'


if __name__ == "__main__":
    print(text())
