"""The text form of a class: an index, a label, or one of the two explicit forms.

`10` is an index or a label, `#10` the index, `"10"` the label. Labels may be numbers themselves,
as the folders of a data set in alphabetical order are: a text that could mean two classes is
refused, with forms that cannot. An index is written in the digits 0 to 9, without zeros in front.
"""

import re
from collections.abc import Sequence

from catalog.class_hints import classes_near, did_you_mean
from catalog.errors import AmbiguousClass, UnknownClass
from catalog.listings import CLASSES

_INDEX = re.compile(r"(#?)\s*(0|[1-9][0-9]*)")
# What a person may have meant as an index: digits of any script, or with zeros in front.
_LIKE_INDEX = re.compile(r"#?\s*\d+")
_QUOTED = re.compile(r'"(.+)"', re.DOTALL)
_MOST_DIGITS = 9
_MOST_SHOWN = 3


def class_index(name: str, labels: Sequence[str], model: str) -> int:
    """Return the index of the class that a text names.

    A label in exactly that case comes before labels in another. Raises AmbiguousClass or
    UnknownClass.
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
        raise _several(name, labelled, labels)
    raise _unknown(name, labels, model)


def _index(name: str, labels: Sequence[str]) -> int | None:
    """Return the index that the text is, or None if it is not that of a class."""
    match = _INDEX.fullmatch(name)
    if match is None or len(match[2]) > _MOST_DIGITS or int(match[2]) >= len(labels):
        return None
    return int(match[2])


def _with_label(name: str, labels: Sequence[str]) -> list[int]:
    """Return the classes with that label, or else those whose label differs in case only."""
    exact = [i for i, label in enumerate(labels) if label == name]
    wanted = name.casefold()
    return exact or [i for i, label in enumerate(labels) if label.casefold() == wanted]


def _index_or_label(name: str, index: int, other: int, labels: Sequence[str]) -> AmbiguousClass:
    explicit = f"class:{index}" if name.startswith("#") else f"class:#{index}"
    label = labels[other]
    return AmbiguousClass(
        f"{name!r} is ambiguous: index {index} (label {labels[index]!r}) or label {label!r} "
        f'(index {other}). Write {explicit} for the index, or class:"{label}" for the label.'
    )


def _several(name: str, found: Sequence[int], labels: Sequence[str]) -> AmbiguousClass:
    """Return the refusal of a text that is the label of several classes, which it lists."""
    shown = found[:_MOST_SHOWN]
    classes = [f"{labels[index]!r} (index {index})" for index in shown]
    if len(found) > len(shown):
        classes.append(f"{len(found) - len(shown)} others")
    advice = " or ".join(f"class:#{index}" for index in shown)
    return AmbiguousClass(f"{name!r} is ambiguous: {' or '.join(classes)}. Write {advice}.")


def _unknown(name: str, labels: Sequence[str], model: str) -> UnknownClass:
    listing = CLASSES.of(model)
    if _INDEX.fullmatch(name):
        return UnknownClass(
            f"Model {model!r} has classes 0 to {len(labels) - 1}; "
            f"class {name[:20]} is outside. {listing}"
        )
    if _LIKE_INDEX.fullmatch(name):
        return UnknownClass(
            f"{name[:20]!r} is not a label of model {model!r}. If it is meant as the index of a "
            "class, write it in the digits 0 to 9, without zeros in front, as in class:7. "
            f"{listing}"
        )
    hint = did_you_mean(classes_near(name, labels))
    return UnknownClass(f"Model {model!r} has no class {name[:80]!r}.{hint} {listing}")
