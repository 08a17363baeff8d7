"""The Open Inference Protocol V2: the body of `infer`.

One input, `image`: BYTES [N], each a text in base64, or UINT8 [N, H, W, 3]. Parameters of the
request are those of the technique.
"""

from math import prod
from typing import Any

from service.inference.image_texts import image_of_text
from service.inference.inference_request import (
    NO_BINARY,
    InferenceRequest,
    check_count,
    check_names,
    read_parameters,
    refused,
)
from service.inference.pixels import image_of_numbers
from service.inference.tensors import EXPLANATION, HEATMAP

_OUTPUTS = (EXPLANATION, HEATMAP)
_FIELDS = ("id", "inputs", "outputs", "parameters", "model_name", "model_version")
_TENSOR = ("name", "shape", "datatype", "parameters", "data")
# Triton's client asks for binary outputs unless it is told otherwise, and takes JSON all the same.
_BINARY_WISHES = ("binary_data", "binary_data_output")
_ID_LENGTH = 200
# Of a shape: its numbers are multiplied and shown.
_AXES, _LONGEST = 4, 1_000_000


def read_v2(body: dict[str, Any]) -> InferenceRequest:
    """Return what a body asks for. Raises Problem."""
    check_names("", body, _FIELDS)
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise refused("inputs", "must be a list of one tensor, which is named image.")
    parameters = read_parameters(body)
    for name in _BINARY_WISHES:
        parameters.pop(name, None)
    for name, value in parameters.items():
        if isinstance(value, dict | list):
            raise refused(f"parameters/{name}", "must be a text, a number, true or false.")
    return InferenceRequest(_images(inputs[0]), parameters, _outputs(body), _id(body))


def _id(body: dict[str, Any]) -> str:
    sent = body.get("id") or ""
    if not isinstance(sent, str) or len(sent) > _ID_LENGTH or not sent.isprintable():
        raise refused("id", f"must be a text of at most {_ID_LENGTH} printable characters.")
    return sent


def _outputs(body: dict[str, Any]) -> tuple[str, ...]:
    asked = body.get("outputs") or []
    if not isinstance(asked, list):
        raise refused("outputs", "must be a list of tensors by name.")
    for i, output in enumerate(asked):
        if not isinstance(output, dict) or output.get("name") not in _OUTPUTS:
            raise refused(f"outputs/{i}", f"the outputs are named {' and '.join(_OUTPUTS)}.")
    return tuple(output["name"] for output in asked)


def _images(tensor: dict[str, Any]) -> dict[str, bytes | str]:
    where = "inputs/0"
    check_names(where, tensor, _TENSOR)
    if tensor.get("name") != "image":
        raise refused(where, f"the input is named image, not {tensor.get('name')!r:.60}.")
    _check_content(where, tensor.get("parameters") or {})
    shape = _shape(f"{where}/shape", tensor.get("shape"))
    match tensor.get("datatype"):
        case "BYTES":
            return _of_texts(where, shape, tensor.get("data"))
        case "UINT8":
            return _of_numbers(where, shape, tensor.get("data"))
        case other:
            raise refused(
                f"{where}/datatype",
                f"{other!r:.40} is not taken. Send BYTES [N] (each image as base64 of its file), "
                "or UINT8 [N, H, W, 3].",
            )


def _check_content(where: str, parameters: Any) -> None:
    """Refuse contents but base64 (the annotation `content_type` of MLServer). Raises Problem."""
    if isinstance(parameters, dict) and "binary_data_size" in parameters:
        raise refused(where, NO_BINARY)
    content = parameters.get("content_type") if isinstance(parameters, dict) else None
    if content not in (None, "base64"):
        raise refused(f"{where}/parameters", f"content_type is base64, not {content!r:.40}.")


def _shape(where: str, shape: Any) -> list[int]:
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise refused(where, "must be a list of whole numbers, with the number of images first.")
    if len(shape) > _AXES or any(n > _LONGEST for n in shape[1:]):
        raise refused(where, f"has at most {_AXES} numbers, each at most {_LONGEST:,}.")
    check_count(where, shape[0] if shape else 0)
    return shape


def _of_texts(where: str, shape: list[int], data: Any) -> dict[str, bytes | str]:
    if shape[1:] not in ([], [1]):
        raise refused(f"{where}/shape", f"of BYTES is [N] or [N, 1], not {shape}.")
    texts = _flat(where, shape, data)
    places = [f"{where}/data/{i}" for i in range(len(texts))]
    return {place: image_of_text(place, text) for place, text in zip(places, texts, strict=True)}


def _of_numbers(where: str, shape: list[int], data: Any) -> dict[str, bytes | str]:
    if len(shape) != 4 or shape[3] != 3:
        raise refused(f"{where}/shape", f"of UINT8 is [N, H, W, 3], not {shape}.")
    numbers = _flat(where, shape, data)
    count, height, width, _ = shape
    size = prod(shape[1:])
    parts = [numbers[i * size : (i + 1) * size] for i in range(count)]
    places = [f"{where}/data/{i}" for i in range(count)]
    return {
        place: image_of_numbers(place, part, width, height)
        for place, part in zip(places, parts, strict=True)
    }


def _flat(where: str, shape: list[int], data: Any) -> list[Any]:
    """Return the elements of a tensor, flat or nested as its shape. Raises Problem."""
    if not isinstance(data, list):
        raise refused(f"{where}/data", "must be a list.")
    flat: list[Any] = data
    for _ in shape[1:]:
        if all(isinstance(part, list) for part in flat):
            flat = [element for part in flat for element in part]
    if len(flat) != prod(shape):
        raise refused(
            f"{where}/data",
            f"the shape {shape} has {prod(shape):,} elements, and the data has {len(flat):,}.",
        )
    return flat
