"""Requests of the inference protocols, and what they answer, read with NumPy."""

import base64
import io
from typing import Any

import httpx
import numpy as np
from PIL import Image

NAME = "efficientnet_lite0"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def instance(data: bytes) -> dict[str, Any]:
    return {"image": {"b64": b64(data)}}


def explain(
    client: httpx.Client, *instances: Any, headers: dict[str, str] | None = None, **parameters: Any
) -> httpx.Response:
    """Ask V1 for explanations, on a machine that may be busy."""
    body = {"instances": list(instances), "parameters": parameters}
    headers = {"Prefer": "wait=60"} | (headers or {})
    return client.post(f"/v1/models/{NAME}:explain", json=body, headers=headers)


def explanations(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: list[dict[str, Any]] = answer.json()["explanations"]
    return found


def infer(client: httpx.Client, name: str = NAME, **body: Any) -> httpx.Response:
    """Ask V2, by default with no field of the body."""
    return client.post(f"/v2/models/{name}/infer", json=body)


def tensor(*data: Any, datatype: str = "BYTES", shape: Any = None, **more: Any) -> dict[str, Any]:
    shape = [len(data)] if shape is None else shape
    return {"name": "image", "datatype": datatype, "shape": shape, "data": list(data)} | more


def artifact(client: httpx.Client, job: str, name: str) -> bytes:
    """Return the bytes of an artifact from the job API."""
    answer = client.get(f"{job}/artifacts/{name}")
    assert answer.status_code == 200, answer.text
    return answer.content


def array(data: bytes) -> np.ndarray:
    return np.load(io.BytesIO(data))


def pixels(data: bytes) -> np.ndarray:
    """Return an image file as (H, W, 3) bytes."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
