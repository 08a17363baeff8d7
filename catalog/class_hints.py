"""Which classes a client may have meant, written as targets that are accepted everywhere."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from catalog.errors import MOST_SHOWN, UnknownModel
from catalog.models import class_labels, find_model

_MOST = 3
# Where a list of targets with weights is split, and what it refuses (catalog/weighted_targets.py).
_SEPARATORS = re.compile("[,*@]")


def classes_near(name: str, labels: Sequence[str]) -> list[str]:
    """Return up to three targets: the labels that hold the words of a name, or else similar ones.

    None for a long name, as in `near_matches`.

    A label that is a number is quoted. One that is not unique, or that a list of targets would
    split, is named by its index.
    """
    if len(name) > MOST_SHOWN:
        return []
    found = classes_holding(name, labels)
    if not found:
        by_label = {label.casefold(): index for index, label in enumerate(labels)}
        near = get_close_matches(name.casefold(), by_label, n=_MOST, cutoff=0.5)
        found = [_as_target(by_label[label], labels) for label in near]
    return found


def classes_holding(name: str, labels: Sequence[str]) -> list[str]:
    """Return up to three targets whose labels hold every word of a name."""
    words = set(_words(name))
    found = [index for index, label in enumerate(labels) if words and words <= set(_words(label))]
    return [_as_target(index, labels) for index in found[:_MOST]]


def classes_of_model_holding(name: str, model: str) -> list[str]:
    """Return the same for the labels of a model, or none if the catalog has lost the model."""
    try:
        return classes_holding(name, class_labels(find_model(model)))
    except UnknownModel:
        return []


def did_you_mean(texts: Sequence[str]) -> str:
    """Return ` Did you mean …?`, or an empty text if there is nothing to suggest."""
    return f" Did you mean {' or '.join(texts)}?" if texts else ""


def _as_target(index: int, labels: Sequence[str]) -> str:
    label = labels[index]
    same = labels.count(label)
    if label.isdecimal() and same == 1:
        return f'class:"{label}"'
    if same > 1 or _SEPARATORS.search(label):
        return f"class:{index} ({label!r})"
    return f"class:{label}"


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())
