"""The techniques, found by listing the folder catalog/techniques."""

from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from inspect import cleandoc
from pkgutil import iter_modules

import catalog.techniques
from catalog.errors import UnknownTechnique, near_matches
from catalog.listings import TECHNIQUES
from catalog.technique import Technique


@lru_cache(maxsize=1)
def techniques() -> dict[str, Technique]:
    """Return every technique by its name, in alphabetical order."""
    names = sorted(module.name for module in iter_modules(catalog.techniques.__path__))
    return {name: _load(name) for name in names}


def find_technique(name: str) -> Technique:
    """Return the technique of that name. Raises UnknownTechnique."""
    known = techniques()
    if name not in known:
        hint = near_matches(name, known)
        raise UnknownTechnique(f"There is no technique {name[:80]!r}.{hint} {TECHNIQUES.http}")
    return known[name]


def _load(name: str) -> Technique:
    module = import_module(f"catalog.techniques.{name}")
    technique: Technique = module.TECHNIQUE
    return replace(technique, name=name, description=cleandoc(module.__doc__ or ""))
