"""Print catalog/data/torchvision.json, the table of torchvision's classification models.

`make models` runs it.
"""

import json
from typing import Any

import torchvision


def table() -> dict[str, dict[str, Any]]:
    """Return one row per model: the fields of catalog.models.ModelEntry without the name."""
    names = torchvision.models.list_models(module=torchvision.models)
    return {name: _row(name) for name in sorted(names)}


def _row(name: str) -> dict[str, Any]:
    weights = torchvision.models.get_model_weights(name).DEFAULT
    transform = weights.transforms()
    return {
        "source": f"torchvision {name}, {weights}",
        "builder": "torchvision",
        "weights": weights.name,
        "classes": len(weights.meta["categories"]),
        "labels": "imagenet",
        "preprocessing": {
            "resize": transform.resize_size[0],
            "crop": transform.crop_size[0],
            "interpolation": transform.interpolation.value,
            "mean": transform.mean,
            "std": transform.std,
        },
    }


if __name__ == "__main__":
    print(json.dumps(table(), indent=1))
