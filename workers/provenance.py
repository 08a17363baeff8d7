"""Describe the software, device and weights that produced a result."""

import platform
from dataclasses import asdict
from typing import Any

import torch

from jobs.version import VERSION
from workers.toolkit.network.vision_model import VisionModel


def provenance(model: VisionModel, seed: int | None) -> dict[str, Any]:
    """Return what a result depends on besides parameters and inputs.

    That is versions, the device, the digest of the weights, how the model was prepared, and the
    seed. The same values on the same kind of device give the same result.
    """
    return {
        "retinoscope": VERSION,
        "torch": torch.__version__,
        "device": device_name(model.device),
        "weights": model.weights,
        "folded_batch_norm": asdict(model.network.folding),
        "left_out": model.network.left_out,
        "precision": "tf32" if torch.backends.cudnn.allow_tf32 else "float32",
        "rounding": model.network.measure_rounding(),
        "seed": seed,
    }


def device_name(device: torch.device) -> str:
    """Return the device with its hardware: `cuda:0 NVIDIA A100`, `cpu x86_64`."""
    if device.type == "cuda":
        return f"{device} {torch.cuda.get_device_name(device)}"
    return f"{device.type} {platform.machine()}"
