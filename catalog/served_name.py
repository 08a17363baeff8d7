"""One served name: a model with a technique and parameters, under a name that KServe can call.

The tables [served.NAME] of the models file define them. docs/kserve.md describes the fields.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.errors import BrokenModelFile, CatalogError
from catalog.model_entry import ModelEntry
from catalog.model_file import read_tables
from catalog.model_support import check_support
from catalog.models import class_labels, find_model
from catalog.named_targets import read_targets
from catalog.parameters import parse_parameters
from catalog.registry import find_technique
from catalog.table_errors import sentences
from catalog.technique import Technique

# What explains a model whose name says no more.
DEFAULT_TECHNIQUE = "grad_cam"
NAME = re.compile(r"[\w-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class ServedName:
    """A name, and what it stands for. `params` are those that are set; others have defaults."""

    name: str
    model: ModelEntry
    technique: Technique
    params: Mapping[str, Any] = field(default_factory=dict)


class ServedTable(BaseModel):
    """A table [served.NAME] of the models file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str = Field(description="Name of the model, as listed by GET /v1/models.")
    technique: str = Field(DEFAULT_TECHNIQUE, description="Name of a technique.")
    params: dict[str, Any] = Field(
        default_factory=dict, description="Parameters of the technique that differ from defaults."
    )


def takes_one_image(technique: Technique) -> bool:
    """Return whether the technique runs on an `image` and needs nothing else."""
    takes = any(spec.name == "image" and spec.kind == "image" for spec in technique.inputs)
    return takes and all(spec.name == "image" for spec in technique.minimal_inputs)


def read_served(file: Path, known: Mapping[str, ModelEntry]) -> dict[str, ServedName]:
    """Return the served names of a file in its order.

    Models are looked up in `known`, then among those of timm. Raises BrokenModelFile.
    """
    tables = read_tables(file).served
    return {name: _served(file, name, table, known) for name, table in tables.items()}


def _served(file: Path, name: str, table: Any, known: Mapping[str, ModelEntry]) -> ServedName:
    where = f"{file}, served name {name!r}"
    check_name(where, name)
    try:
        read = ServedTable.model_validate(table)
        model = known.get(read.model) or find_model(read.model)
        if name in known and known[name] != model:
            raise BrokenModelFile("the name is that of another model. Choose another.")
        technique = find_technique(read.technique)
        check_served(model, technique, read.params)
    except ValidationError as error:
        raise BrokenModelFile(f"{where}, {sentences(error, ServedTable)}") from None
    except CatalogError as error:
        raise BrokenModelFile(f"{where}: {error.detail}") from None
    return ServedName(name, model, technique, read.params)


def check_served(model: ModelEntry, technique: Technique, params: Mapping[str, Any]) -> None:
    """Refuse parameters that no request could run with, as far as the entry of the model tells.

    Raises CatalogError.
    """
    if not takes_one_image(technique):
        raise BrokenModelFile(
            f"technique: {technique.name} does not run on one image alone, which is what KServe's "
            "protocols send. Choose another."
        )
    if "model" in params:
        raise BrokenModelFile("params: the model stands beside params, not in them.")
    parsed = parse_parameters(technique, {**params, "model": model.name}).resolved(model)
    targets = read_targets(parsed, class_labels(model), dense=model.dense)
    check_support(technique, model)
    parsed.validate_for(model, targets)


def check_name(where: str, name: str) -> None:
    """Refuse a name that KServe's routes would not take. Raises BrokenModelFile."""
    if not NAME.fullmatch(name):
        raise BrokenModelFile(
            f"{where}: a served name has at most 64 letters, digits, _ and -, since KServe's "
            "routes take no other."
        )
