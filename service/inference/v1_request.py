"""KServe's V1 protocol: the body of `:explain` and `:predict`.

`{"instances": [instance, …], "parameters": {…}}`, where an instance is `{"image": image}` or the
image itself, and an image is `{"b64": text}` (as TensorFlow Serving has it), a text, or numbers
H × W × 3.
"""

from typing import Any

from service.inference.image_texts import image_of_base64, image_of_text
from service.inference.inference_request import (
    InferenceRequest,
    check_count,
    check_names,
    read_parameters,
    refused,
)
from service.inference.pixels import image_of_rows
from service.problems import Problem

_LISTS = ("instances", "inputs")


def read_v1(body: dict[str, Any]) -> InferenceRequest:
    """Return what a body asks for. Raises Problem."""
    check_names("", body, (*_LISTS, "parameters"))
    sent = [name for name in _LISTS if name in body]
    if len(sent) != 1:
        raise Problem(
            "invalid_parameters",
            'Send the images as one list, "instances" (or "inputs"): '
            '{"instances": [{"image": {"b64": "…"}}]}.',
        )
    name = sent[0]
    instances = body[name]
    if not isinstance(instances, list):
        raise refused(name, "must be a list, with one instance for each image.")
    check_count(name, len(instances))
    images = [_instance(f"{name}/{i}", instance) for i, instance in enumerate(instances)]
    return InferenceRequest(dict(images), read_parameters(body))


def _instance(where: str, instance: Any) -> tuple[str, bytes | str]:
    """Return the place of the image of an instance, and the image. Raises Problem."""
    if not isinstance(instance, dict) or "b64" in instance:
        return where, _image(where, instance)
    check_names(where, instance, ("image",))
    if "image" not in instance:
        raise refused(where, 'has no image. Send {"image": {"b64": "…"}}.')
    return f"{where}/image", _image(f"{where}/image", instance["image"])


def _image(where: str, value: Any) -> bytes | str:
    match value:
        case {"b64": text}:
            check_names(where, value, ("b64",))
            return image_of_base64(f"{where}/b64", text)
        case list():
            return image_of_rows(where, value)
        case str():
            return image_of_text(where, value)
        case _:
            raise refused(
                where,
                'must be {"b64": "…"}, a text (an id sha256:… or a data: URL), or numbers '
                "H × W × 3.",
            )
