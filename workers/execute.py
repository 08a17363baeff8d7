"""One technique, from parameters and images to summary and files. Knows no queue: the command line uses it as it is."""

from importlib import import_module
from typing import Any

from PIL import Image

from catalog.models import ModelDescription
from catalog.named_targets import check_named, read_targets
from catalog.registry import find_technique
from catalog.technique import Params, Summary
from workers.models.describe import describe
from workers.toolkit.context import Context
from workers.toolkit.vision_model import VisionModel


def execute(
    technique: str,
    params: Params,
    model: VisionModel,
    images: dict[str, Image.Image],
    context: Context,
    description: ModelDescription | None = None,
) -> Summary:
    """Run it. Raises CatalogError, TechniqueError, or what the context raises to stop it."""
    known = description or describe(model.name, model.network, model.weights)
    check_named(params, read_targets(params, model.labels), known)
    run: Any = import_module(f"workers.techniques.{find_technique(technique).name}").run
    summary: Summary = run(params, model, images, context)
    return summary
