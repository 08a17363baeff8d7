"""Served names: what KServe's protocols call a model.

The tables [served.NAME] of the models file define some, RETINOSCOPE_SERVED_NAME may define one,
and each model whose name has letters, digits, `_` and `-` only is served as itself, since KServe's
routes know no other names.
"""

import os
from collections.abc import Mapping
from functools import lru_cache

from catalog.errors import BrokenModelFile, UnknownModel, near_matches, shown
from catalog.model_entry import ModelEntry
from catalog.model_file import model_file
from catalog.models import find_model, models
from catalog.registry import find_technique
from catalog.served_name import DEFAULT_TECHNIQUE, NAME, ServedName, check_name, read_served

NAME_VARIABLE = "RETINOSCOPE_SERVED_NAME"
MODEL_VARIABLE = "RETINOSCOPE_SERVED_MODEL"


@lru_cache(maxsize=1)
def served_names() -> dict[str, ServedName]:
    """Return everything that is served by its name, own names first. Raises BrokenModelFile."""
    file = model_file()
    own = read_served(file, models()) if file else {}
    themselves = {
        name: served_as_itself(entry) for name, entry in models().items() if NAME.fullmatch(name)
    }
    return _named_by_environment(own | {n: s for n, s in themselves.items() if n not in own})


def served_as_itself(model: ModelEntry, name: str = "") -> ServedName:
    """Return what a name stands for that has a model and nothing else."""
    return ServedName(name or model.name, model, find_technique(DEFAULT_TECHNIQUE))


def find_served(name: str) -> ServedName:
    """Return what a served name stands for. Raises UnknownModel."""
    served = served_names()
    if name in served:
        return served[name]
    said = shown(name, 80)
    if not NAME.fullmatch(name) and _is_model(name):
        raise UnknownModel(
            f"The model {said!r} is not served, since KServe's routes take names of letters, "
            f"digits, _ and - only. Give it one: [served.NAME] in the models file."
        )
    raise UnknownModel(
        f"There is no served name {said!r}.{near_matches(name, served)} "
        "GET /v2/models lists the names."
    )


def _named_by_environment(served: dict[str, ServedName]) -> dict[str, ServedName]:
    """Return the names, and before them that which `retinoscope api --model_name` has set."""
    name, of = (os.environ.get(each, "").strip() for each in (NAME_VARIABLE, MODEL_VARIABLE))
    if not name:
        return served
    check_name(f"--model_name {name!r}", name)
    if not of and name not in served:
        raise BrokenModelFile(
            f"--model_name {name!r}: there is no model and no served name of this name. Set "
            f"{MODEL_VARIABLE} to the model, or to the served name, that it stands for."
        )
    if not of or of == name:
        return served
    if name in served:
        raise BrokenModelFile(
            f"--model_name {name!r}: the name is served already, and {MODEL_VARIABLE} says that it "
            f"stands for {of!r}. Choose another name, or leave out {MODEL_VARIABLE}."
        )
    return {name: _renamed(name, of, served)} | served


def _renamed(name: str, of: str, served: Mapping[str, ServedName]) -> ServedName:
    """Return what a name stands for that is another name of a model or of a served name."""
    if of in served:
        known = served[of]
        return ServedName(name, known.model, known.technique, known.params)
    try:
        return served_as_itself(find_model(of), name)
    except UnknownModel as error:
        raise BrokenModelFile(f"{MODEL_VARIABLE}: {error.detail}") from None


def _is_model(name: str) -> bool:
    try:
        find_model(name)
    except UnknownModel:
        return False
    return True
