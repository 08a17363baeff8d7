"""Say what KServe's models do not know of a manifest, as JSON.

It runs in the environment of `make kserve`. It reads the text of the manifest as JSON, and prints
a list of sentences for each of its documents.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import kserve
import kubernetes.client
import yaml
from kserve.models.v1beta1_inference_service import V1beta1InferenceService

_PLAIN = {"str": str, "int": int, "float": float, "bool": bool}


def problems(value: Any, kind: type, path: str) -> Iterator[str]:
    """Yield what a model of the OpenAPI generator would lose or refuse."""
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no {kind.__name__}"
        return
    names = {field: name for name, field in kind.attribute_map.items()}
    for field, inner in value.items():
        if field not in names:
            yield f"{path}: {kind.__name__} has no field {field!r}"
        else:
            yield from typed(inner, kind.openapi_types[names[field]], f"{path}.{field}")


def typed(value: Any, name: str, path: str) -> Iterator[str]:
    """Yield the problems of a value whose type has that name."""
    if listed := re.fullmatch(r"[lL]ist\[(.+)\]", name):
        if not isinstance(value, list):
            yield f"{path}: is no list"
            return
        for i, each in enumerate(value):
            yield from typed(each, listed[1], f"{path}[{i}]")
    elif mapped := re.fullmatch(r"[dD]ict[(\[]str, ?(.+)[)\]]", name):
        for key, each in value.items():
            yield from typed(each, mapped[1], f"{path}.{key}")
    elif name in _PLAIN:
        if type(value) is not _PLAIN[name]:
            yield f"{path}: {value!r} is no {name}"
    elif name in ("object", "ResourceQuantity", "IntOrString", "datetime"):
        return
    else:
        yield from problems(value, model(name), path)


def model(name: str) -> type:
    """Return the model of a type of KServe's, or of Kubernetes'."""
    for module in (kserve.models, kserve, kubernetes.client):
        if hasattr(module, name):
            found: type = getattr(module, name)
            return found
    raise LookupError(name)


def main(text: str) -> None:
    documents = [each for each in yaml.safe_load_all(text) if each]
    found = [list(problems(each, V1beta1InferenceService, each["kind"])) for each in documents]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(json.load(sys.stdin))
