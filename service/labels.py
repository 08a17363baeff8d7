"""Labels: pairs of texts that a client attaches to a job, to find it again by them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from catalog.errors import Violation, shown
from service.problems import Problem

MOST_LABELS = 16
MOST_VALUE = 255
KEY_PATTERN = r"[A-Za-z0-9_.-]{1,63}"
_KEY = re.compile(KEY_PATTERN)

LABELS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "maxProperties": MOST_LABELS,
    "propertyNames": {"pattern": f"^{KEY_PATTERN}$"},
    "additionalProperties": {"type": "string", "maxLength": MOST_VALUE},
}
# In a form, where one field is sent for each label.
LABEL_FORM_SCHEMA: dict[str, Any] = {
    "title": "Label",
    "type": "array",
    "maxItems": MOST_LABELS,
    "items": {"type": "string", "pattern": f"^{KEY_PATTERN}=", "examples": ["project=birds"]},
    "description": "A label of the job, as `key=value`. Send the field once for each label.",
}


def check_labels(labels: Any) -> Any:
    """Return labels that were found to be valid. Raises PydanticCustomError."""
    if isinstance(labels, str):
        raise _refusal("In a form, send label=key=value, once for each label")
    if not isinstance(labels, Mapping):
        return labels
    if len(labels) > MOST_LABELS:
        raise _refusal(f"A job has at most {MOST_LABELS} labels, not {len(labels)}")
    for key, value in labels.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise _refusal(
                f"{shown(str(key))!r} is not the key of a label: 1 to 63 letters, digits, _ . -"
            )
        if not isinstance(value, str) or len(value) > MOST_VALUE:
            raise _refusal(
                f"The value of label {shown(key)} must be a text of at most {MOST_VALUE} characters"
            )
    return labels


def read_labels(texts: Iterable[str]) -> dict[str, str]:
    """Return the labels of texts `key=value`. Raises Problem if one is malformed or repeated."""
    labels: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise _problem(
                f"{shown(text)!r} is not a label. Write key=value, with a key of 1 to 63 letters, "
                "digits, _ . -"
            )
        if labels.get(key, value) != value:
            raise _problem(f"The label {key} was sent with two values. Send one.")
        labels[key] = value
    return labels


def _refusal(message: str) -> PydanticCustomError:
    return PydanticCustomError("invalid_labels", "{message}", {"message": message})


def _problem(message: str) -> Problem:
    return Problem("invalid_parameters", message, [Violation("/label", message)])
