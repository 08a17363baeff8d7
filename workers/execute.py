"""Execution of one technique without any queue, by the worker and by the command line."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from catalog.models import ModelDescription
from catalog.technique import Params, Summary
from workers.models.describe import describe
from workers.task import make_task
from workers.toolkit.execution.context import Context
from workers.toolkit.images.array import Input
from workers.toolkit.network.vision_model import VisionModel


def execute(
    technique: str,
    params: Params,
    model: VisionModel,
    inputs: Mapping[str, Input],
    context: Context,
    description: ModelDescription | None = None,
) -> Summary:
    """Run a technique on resolved parameters.

    Raises CatalogError, TechniqueError, or what the context raises to stop the work.
    """
    description = description or describe(model.name, model.network, model.weights)
    task = make_task(params, model, inputs, description)
    run: Any = import_module(f"workers.techniques.{technique}").run
    summary: Summary = run(task, context)
    return summary
