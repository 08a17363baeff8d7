"""The text form of a class: an index, a label, or one of the two explicit forms.

`10` is an index or a label, `#10` the index, `"10"` the label. Labels may be numbers themselves,
as the folders of a data set in alphabetical order are: a text that could mean two classes is
refused, with the two forms that cannot.
"""

import re
from collections.abc import Sequence

from catalog.class_hints import classes_near, did_you_mean
from catalog.errors import AmbiguousClass, UnknownClass
from catalog.listings import CLASSES

_INDEX = re.compile(r"(#?)\s*(\d+)")
_QUOTED = re.compile(r'"(.+)"', re.DOTALL)
_MOST_DIGITS = 9


def class_index(name: str, labels: Sequence[str], model: str) -> int:
    """Return the index of the class that a text names.

    Labels are compared without regard to case. Raises AmbiguousClass or UnknownClass.
    """
    quoted = _QUOTED.fullmatch(name)
    if quoted and _with_label(quoted[1].strip(), labels):
        name = quoted[1].strip()
    index = None if quoted else _index(name, labels)
    labelled = _with_label(name, labels)
    others = [found for found in labelled if found != index]
    if index is not None and others:
        raise _index_or_label(name, index, others[0], labels)
    if index is not None:
        return index
    if len(labelled) == 1:
        return labelled[0]
    if labelled:
        raise UnknownClass(f"Classes {labelled} have the label {name!r}. Name one by its index.")
    raise _unknown(name, labels, model)


def _index(name: str, labels: Sequence[str]) -> int | None:
    """Return the index that the text is, or None if it is not that of a class."""
    match = _INDEX.fullmatch(name)
    if match is None or len(match[2]) > _MOST_DIGITS or int(match[2]) >= len(labels):
        return None
    return int(match[2])


def _with_label(name: str, labels: Sequence[str]) -> list[int]:
    wanted = name.casefold()
    return [i for i, label in enumerate(labels) if label.casefold() == wanted]


def _index_or_label(name: str, index: int, other: int, labels: Sequence[str]) -> AmbiguousClass:
    explicit = f"class:{index}" if name.startswith("#") else f"class:#{index}"
    label = labels[other]
    return AmbiguousClass(
        f"{name!r} is ambiguous: index {index} (label {labels[index]!r}) or label {label!r} "
        f'(index {other}). Write {explicit} for the index, or class:"{label}" for the label.'
    )


def _unknown(name: str, labels: Sequence[str], model: str) -> UnknownClass:
    listing = CLASSES.of(model)
    if _INDEX.fullmatch(name):
        return UnknownClass(
            f"Model {model!r} has classes 0 to {len(labels) - 1}; "
            f"class {name[:20]} is outside. {listing}"
        )
    hint = did_you_mean(classes_near(name, labels))
    return UnknownClass(f"Model {model!r} has no class {name[:80]!r}.{hint} {listing}")
