"""Custom models: the tables [models.NAME] of the models file. docs/models.md describes them."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from catalog.custom_model_table import CustomModelTable
from catalog.errors import BrokenModelFile
from catalog.label_file import clean_labels, read_labels
from catalog.model_entry import CustomSource, HeadName, ModelEntry, Preprocessing
from catalog.model_file import model_file, read_tables
from catalog.table_errors import sentences

# Of a mean or a standard deviation, in units in which pixels are 0 to 1.
_LARGEST_CONSTANT = 5
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def custom_models(taken: Collection[str]) -> dict[str, ModelEntry]:
    """Return the models of the file in RETINOSCOPE_MODELS, or none. Raises BrokenModelFile."""
    file = model_file()
    return read_models(file, taken) if file else {}


def read_models(file: Path, taken: Collection[str] = ()) -> dict[str, ModelEntry]:
    """Return the models of a file in its order.

    Names in `taken` are refused. Raises BrokenModelFile.
    """
    tables = read_tables(file).models
    return {name: _entry(file, name, table, taken) for name, table in tables.items()}


def _entry(file: Path, name: str, table: Any, taken: Collection[str]) -> ModelEntry:
    where = f"{file}, model {name!r}"
    if not _NAME.fullmatch(name):
        raise BrokenModelFile(
            f"{where}: a name has at most 64 letters, digits, . _ and -, and begins with a letter "
            f"or "
            "digit."
        )
    if name in taken:
        raise BrokenModelFile(f"{where}: the name is taken by a published model. Choose another.")
    try:
        return _resolve(name, CustomModelTable.model_validate(table), file.absolute().parent)
    except ValidationError as error:
        raise BrokenModelFile(f"{where}, {sentences(error, CustomModelTable)}") from None
    except ValueError as error:
        raise BrokenModelFile(f"{where}, {error}") from None


def _resolve(name: str, table: CustomModelTable, folder: Path) -> ModelEntry:
    """Return the entry of a model. Raises ValueError."""
    labels = _labels(table, folder)
    weights = folder / table.weights
    module, _, function = table.builder.partition(":")
    classes = _classes(table, labels)
    return ModelEntry(
        name=name,
        source=table.source or f"own model: {table.builder}, {weights.name}",
        builder="own",
        weights=weights.name,
        classes=classes,
        preprocessing=_preprocessing(table),
        recommended=table.recommended,
        head=_head(table, classes),
        head_by_default=table.head is None,
        output=table.output_path,
        dense=table.dense,
        own_labels=labels,
        own=CustomSource(
            folder=folder,
            module=module,
            function=function,
            arguments=table.arguments,
            weights=weights,
            weights_key=table.weights_key,
            prefix=table.prefix,
            renames=table.renames,
            ignore=tuple(table.ignore),
        ),
    )


def _head(table: CustomModelTable, classes: int) -> HeadName:
    """Return the head of the entry: by default softmax, or sigmoid of a single logit."""
    if table.head is None:
        return "softmax" if classes > 1 else "sigmoid"
    if table.head == "softmax" and classes == 1:
        raise ValueError(
            "head: the softmax of one class is always 1. Write sigmoid (one logit), none (a "
            "probability already) or raw (neither)."
        )
    return table.head


def _preprocessing(table: CustomModelTable) -> Preprocessing:
    mean, std = table.per_channel("mean"), table.per_channel("std")
    if max(*mean, *std) > _LARGEST_CONSTANT:
        raise ValueError(_too_large(table))
    resize = table.resize or table.input_size
    return Preprocessing(
        resize=resize,
        crop=table.input_size,
        interpolation=table.interpolation,
        mean=mean,
        std=std,
        fit=table.fit,
        shown_channels=table.shown,
    )


def _too_large(table: CustomModelTable) -> str:
    if table.channels in (1, 3):
        return "mean, std: pixels are 0 to 1 here, not 0 to 255. Divide both by 255."
    return (
        "mean, std: channels are about 0 to 1 here. Divide both by what makes the arrays so, and "
        "send the arrays divided by it."
    )


def _labels(table: CustomModelTable, folder: Path) -> tuple[str, ...]:
    if isinstance(table.labels, str):
        return read_labels(folder / table.labels)
    return clean_labels(table.labels, "label")


def _classes(table: CustomModelTable, labels: tuple[str, ...]) -> int:
    if table.classes is None and not labels:
        raise ValueError("classes: missing. Write the number of classes, or their labels.")
    if labels and table.classes not in (None, len(labels)):
        raise ValueError(f"labels: there are {len(labels)}, but classes is {table.classes}.")
    return table.classes or len(labels)
