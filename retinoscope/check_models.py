"""`retinoscope models check`: each model of a file, loaded and run once. Loads the workers."""

import logging
from pathlib import Path

import torch

from catalog.custom_models import read_models
from catalog.model_entry import ModelEntry
from catalog.models import published_names
from workers.failures import job_error
from workers.models.describe import describe
from workers.models.load import load_model

_CPU = torch.device("cpu")


def check_file(file: Path) -> bool:
    """Print one line for each model: what it is, or what is wrong with it. True if nothing is. Raises CatalogError."""
    logging.getLogger("workers").setLevel(
        logging.CRITICAL
    )  # one sentence, not the traceback of torch.export
    entries = read_models(file, taken=published_names())
    passed = [_check(entry) for entry in entries.values()]  # each, also behind one that fails
    return all(passed)


def _check(entry: ModelEntry) -> bool:
    try:
        print(f"{entry.name}: ok. {_checked(entry)}")
    except Exception as error:
        print(f"{entry.name}: {_reason(error)}")
        return False
    return True


def _checked(entry: ModelEntry) -> str:
    """Raises ModelError or TechniqueError."""
    model = load_model(entry, _CPU)
    description = describe(entry.name, model.network, model.weights)
    side, channels = entry.input_size, "grey" if entry.preprocessing.channels == 1 else "colour"
    return (
        f"{side} × {side} {channels}, {entry.classes} classes, {description.parameters:,} parameters, "
        f"{len(description.layers)} layers that can be targets, {description.rectifiers} ReLUs."
    )


def _reason(error: Exception) -> str:
    told = job_error(error)
    return told.detail if told.code != "internal_error" else f"{type(error).__name__}: {error}"
