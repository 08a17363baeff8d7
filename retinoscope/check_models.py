"""`retinoscope models check`: load each model of a file and run it once."""

import logging
from pathlib import Path

import torch

from catalog.custom_models import read_models
from catalog.model_description import ModelDescription
from catalog.model_entry import ModelEntry
from catalog.models import models, published_names
from catalog.served_name import read_served
from workers.failures import job_error
from workers.models.describe import describe
from workers.models.load import load_model
from workers.toolkit.network.network import LOGITS

_CPU = torch.device("cpu")
# Some networks have dozens of layers that cannot be listed; one line names the first of them.
_SHOWN = 3


def check_file(file: Path) -> bool:
    """Print one line for each model: its facts, or what is wrong with it; and the served names.

    Return whether all models work. Raises CatalogError.
    """
    # The user gets a sentence, without the traceback of torch.export.
    logging.getLogger("workers").setLevel(logging.CRITICAL)
    entries = read_models(file, taken=published_names())
    served = read_served(file, models() | entries)
    # Every model is checked, including those after one that fails.
    passed = [_check(entry) for entry in entries.values()]
    for each in served.values():
        print(f"{each.name}: served. {each.technique.title} of {each.model.name}.")
    return all(passed)


def _check(entry: ModelEntry) -> bool:
    try:
        print(f"{entry.name}: ok. {_facts(entry)}")
    except Exception as error:
        print(f"{entry.name}: {_reason(error)}")
        return False
    return True


def _facts(entry: ModelEntry) -> str:
    """Return the facts of a model that works. Raises ModelError or TechniqueError."""
    model = load_model(entry, _CPU)
    description = describe(entry.name, model.network, model.weights)
    side, channels = entry.input_size, entry.preprocessing.channels
    seen = {1: "grey", 3: "colour"}.get(channels, f"with {channels} channels")
    scores = f"{entry.classes} {'class' if entry.classes == 1 else 'classes'}"
    if entry.dense:
        scores += " at each of {} × {} places".format(*model.network.layer_shape(LOGITS)[1:])
    if entry.head != "softmax":
        scores += f" (head {entry.head})"
    return (
        f"{side} × {side} {seen}, {scores}, "
        f"{description.parameters:,} parameters, {len(description.layers)} layers that can be "
        f"targets, {description.rectifiers} ReLUs.{_remarks(description)}"
    )


def _remarks(description: ModelDescription) -> str:
    """Return what the acceptance test has found, in sentences; empty if all is well."""
    remarks = [
        f"It runs without {name}, which would change its results." for name in description.left_out
    ]
    unlisted = list(description.unlisted.items())
    remarks += [
        f"The layer {path!r} is not listed: {reason.removesuffix('.')}."
        for path, reason in unlisted[:_SHOWN]
    ]
    if more := len(unlisted[_SHOWN:]):
        remarks.append(f"{more} more {'layer is' if more == 1 else 'layers are'} not listed.")
    if not description.gradient:
        remarks.append("No gradient reaches the image: use occlusion or rise.")
    return "".join(f" {remark}" for remark in remarks)


def _reason(error: Exception) -> str:
    found = job_error(error)
    return found.detail if found.code != "internal_error" else f"{type(error).__name__}: {error}"
