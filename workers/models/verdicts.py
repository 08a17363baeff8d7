"""Verdicts of acceptance tests that were made before, with the same weights, software and device.

A process keeps its own. Those of published models are also kept in their descriptions, which other
workers read, and in files, which other processes of the machine read. The code of a custom model
may change under the same weights, so that each process tests it.
"""

from collections.abc import Callable

import timm
import torch
import torchvision

from catalog.model_entry import ModelEntry
from catalog.models import ModelDescription
from jobs.version import VERSION
from workers.models.acceptance import Verdict
from workers.models.verdict_file import read_verdict, write_verdict
from workers.toolkit.network.optimizations import Optimizations

Descriptions = Callable[[str], ModelDescription | None]
"""Returns the description of a model that some worker has published."""

# By name, digest of the weights and kind of device. Neither the code of a model nor its entry
# changes while a process runs.
_OWN: dict[tuple[str, str, str], Verdict] = {}


def no_descriptions(_name: str) -> None:
    """Return no description, for a process that no worker tells of its models."""


def runtime_of(device: torch.device) -> str:
    """Return the software and the kind of device on which a verdict holds."""
    versions = f"torch {torch.__version__}, torchvision {torchvision.__version__}"
    return f"retinoscope {VERSION}, {versions}, timm {timm.__version__}, {device.type}"


def find_verdict(
    entry: ModelEntry, weights: str, device: torch.device, descriptions: Descriptions
) -> Verdict | None:
    """Return the verdict on a model with these weights, or None if it must be tested."""
    own = _OWN.get((entry.name, weights, device.type))
    if own is not None or entry.own:
        return own
    runtime, description = runtime_of(device), descriptions(entry.name)
    if description is None or (description.weights, description.tested_with) != (weights, runtime):
        return read_verdict(entry.name, weights, runtime)
    return verdict_of(description)


def keep_verdict(entry: ModelEntry, weights: str, device: torch.device, verdict: Verdict) -> None:
    """Keep a verdict, that of a published model beyond the end of this process."""
    _OWN[entry.name, weights, device.type] = verdict
    if not entry.own:
        write_verdict(entry.name, weights, runtime_of(device), verdict)


def verdict_of(description: ModelDescription) -> Verdict:
    """Return the verdict that a description tells of."""
    left_out = description.left_out
    optimizations = Optimizations(
        channels_last="channels_last" not in left_out,
        folded_batch_norm="folded_batch_norm" not in left_out,
        single_images="single_images" not in left_out,
    )
    return Verdict(optimizations, description.unlisted)
