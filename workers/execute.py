"""One technique, from parameters and images to summary and files. Knows no queue: the command line uses it as it is."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np

from catalog.arrays import check_array
from catalog.models import ModelDescription
from catalog.named_targets import check_named, read_targets
from catalog.registry import find_technique
from catalog.technique import Params, Summary
from workers.models.describe import describe
from workers.toolkit.execution.context import Context
from workers.toolkit.images.array import Input
from workers.toolkit.network.vision_model import VisionModel


def execute(
    technique: str,
    params: Params,
    model: VisionModel,
    images: Mapping[str, Input],
    context: Context,
    description: ModelDescription | None = None,
) -> Summary:
    """Run it. Raises CatalogError, TechniqueError, or what the context raises to stop it."""
    known = description or describe(model.name, model.network, model.weights)
    check_named(params, read_targets(params, model.labels), known)
    for name, sent in images.items():
        if isinstance(sent, np.ndarray):
            check_array(params, name, sent.shape, known)
    run: Any = import_module(f"workers.techniques.{find_technique(technique).name}").run
    summary: Summary = run(params, model, images, context)
    return summary
