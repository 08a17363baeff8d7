"""What is run for a request: a served name, with what the request changes about it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.errors import near_matches, shown
from catalog.model_entry import ModelEntry
from catalog.registry import find_technique
from catalog.served_name import ServedName, takes_one_image
from catalog.technique import Technique
from service.inference.inference_request import refused

# The map as numbers. The names of artifacts have an extension.
NUMBERS = "values"
MAP = "values.npy"
_FAVOURITE = "overlay.png"


@dataclass(frozen=True)
class Plan:
    """A technique with its fields, and what the answer shows besides the summary.

    `outputs` are names of artifacts, or `values` for the map as numbers.
    """

    name: str
    model: ModelEntry
    technique: Technique
    fields: Mapping[str, Any]
    outputs: tuple[str, ...] = ()


def explain_plan(served: ServedName, parameters: Mapping[str, Any]) -> Plan:
    """Return the plan of an explanation. Raises Problem or CatalogError.

    `technique` and `outputs` are for this request; all other parameters are the technique's.
    """
    fields = dict(parameters)
    outputs = fields.pop("outputs", None)
    technique = _technique(served, fields.pop("technique", served.technique.name))
    _check_model(served, fields)
    if technique.name == served.technique.name:
        fields = {**served.params, **fields}
    shown_ones = _outputs(technique, outputs)
    fields["model"] = served.model.name
    return Plan(served.name, served.model, technique, fields, shown_ones)


def predict_plan(served: ServedName, parameters: Mapping[str, Any]) -> Plan:
    """Return the plan of a prediction. Raises Problem."""
    fields = dict(parameters)
    _check_model(served, fields)
    fields["model"] = served.model.name
    return Plan(served.name, served.model, find_technique("predict"), fields)


def has_map(technique: Technique) -> bool:
    """Return whether the technique leaves a map of raw values."""
    return any(spec.name == MAP for spec in technique.artifacts)


def _technique(served: ServedName, name: Any) -> Technique:
    if not isinstance(name, str):
        raise refused("parameters/technique", "must be the name of a technique.")
    technique = find_technique(name)
    if not takes_one_image(technique):
        raise refused(
            "parameters/technique",
            f"{technique.name} does not run on one image alone. POST /v1/jobs/{technique.name} "
            "runs it.",
        )
    return technique


def _check_model(served: ServedName, fields: dict[str, Any]) -> None:
    sent = fields.get("model", served.model.name)
    if sent not in (served.model.name, served.name):
        raise refused("parameters/model", f"the address names the model ({served.name}).")


def _outputs(technique: Technique, sent: Any) -> tuple[str, ...]:
    """Return the outputs that were asked for, by default the first picture. Raises Problem."""
    if sent is None:
        return _default_outputs(technique)
    names = sent.split(",") if isinstance(sent, str) else sent
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise refused("parameters/outputs", "must be names, separated by commas.")
    wanted = [name.strip() for name in names if name.strip()]
    possible = [spec.name for spec in technique.artifacts]
    if has_map(technique):
        possible.append(NUMBERS)
    for name in wanted:
        if not any(_fits(name, each) for each in possible):
            raise refused(
                "parameters/outputs",
                f"{technique.name} has no output {shown(name)!r}.{near_matches(name, possible)} "
                f"It has: {', '.join(possible) or 'none'}.",
            )
    return tuple(dict.fromkeys(wanted))


def _default_outputs(technique: Technique) -> tuple[str, ...]:
    pictures = [
        spec.name
        for spec in technique.artifacts
        if spec.media_type.startswith("image/") and spec.only_with is None
    ]
    return (_FAVOURITE,) if _FAVOURITE in pictures else tuple(pictures[:1])


def _fits(name: str, spec: str) -> bool:
    """Return whether a name is that of an artifact, in which `{n}` stands for a number."""
    return re.fullmatch(re.escape(spec).replace(r"\{n\}", r"\d{1,4}"), name) is not None
