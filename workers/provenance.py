"""With what a result was made."""

import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import torch

from workers.toolkit.network.vision_model import VisionModel


def provenance(model: VisionModel, seed: int | None) -> dict[str, Any]:
    """Versions, device, weights, how the model was prepared, and seed: enough to make it again."""
    return {
        "retinoscope": version("retinoscope"),
        "torch": torch.__version__,
        "device": device_name(model.device),
        "weights": model.weights,
        "folded_batch_norm": asdict(model.network.folding),
        "precision": "tf32" if torch.backends.cudnn.allow_tf32 else "float32",
        "rounding": model.network.measure_rounding(),
        "seed": seed,
    }


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} {torch.cuda.get_device_name(device)}"
    return f"{device.type} {platform.machine()}"
