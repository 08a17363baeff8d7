"""Ask a server with KServe's own client, by both protocols, and print what it says as JSON.

It runs in the environment of `make kserve`, which has KServe and nothing of ours. It reads a JSON
object with `url`, `headers`, `name` and `image`, the base64 of an image file.
"""

import asyncio
import base64
import io
import json
import sys
from typing import Any

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.errors import UnsupportedProtocol
from kserve.protocol.infer_type import RequestedOutput
from PIL import Image


async def main(given: dict[str, Any]) -> None:
    found = {"v1": await v1(**given), "v2": await v2(**given)}
    json.dump(found, sys.stdout)


async def v1(url: str, headers: dict[str, str], name: str, image: str) -> dict[str, Any]:
    client = InferenceRESTClient(RESTConfig(protocol="v1", timeout=90, retries=0))
    body = {"instances": [{"image": {"b64": image}}], "parameters": {"outputs": "values"}}
    predicted = {"instances": [{"image": {"b64": image}}], "parameters": {"top_k": 2}}
    return {
        "live": await client.is_server_live(url, headers=headers),
        "ready": await client.is_model_ready(url, name, headers=headers),
        "explained": await client.explain(url, name, data=body, headers=headers),
        "predicted": await client.infer(url, predicted, model_name=name, headers=headers),
        "without_key": await error(client.explain(url, name, data=body)),
        "bad": await error(client.explain(url, name, data={"instances": ["%"]}, headers=headers)),
        "unknown": await error(client.explain(url, "dogs", data=body, headers=headers)),
    }


async def v2(url: str, headers: dict[str, str], name: str, image: str) -> dict[str, Any]:
    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=90, retries=0))
    texts = InferInput("image", [1], "BYTES", data=[image])
    photograph = np.asarray(Image.open(io.BytesIO(base64.b64decode(image))).convert("RGB"))
    numbers = InferInput("image", [1, *photograph.shape], "UINT8")
    numbers.set_data_from_numpy(photograph[None], binary_data=False)
    binary = InferInput("image", [1, *photograph.shape], "UINT8")
    binary.set_data_from_numpy(photograph[None], binary_data=True)

    async def infer(tensor: InferInput, key: dict[str, str] = headers) -> Any:
        wanted = [RequestedOutput("explanation"), RequestedOutput("heatmap")]
        request = InferRequest(name, [tensor], request_id="mine", request_outputs=wanted)
        return await client.infer(url, request, model_name=name, headers=dict(key))

    answers = [await infer(texts), await infer(numbers)]
    return {
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model_ready": await client.is_model_ready(url, name, headers=headers),
        "ids": [answer.id for answer in answers],
        "heatmaps": [answer.outputs[1].as_numpy().tolist() for answer in answers],
        "explanations": [json.loads(answer.outputs[0].data[0]) for answer in answers],
        "explain": await error(client.explain(url, name, data={}, headers=headers)),
        "binary": await error(infer(binary)),
        "without_key": await error(infer(texts, {})),
    }


async def error(call: Any) -> str:
    """Return the text of the error of a call."""
    try:
        await call
    except (httpx.HTTPStatusError, UnsupportedProtocol) as refused:
        return str(refused)
    return ""


if __name__ == "__main__":
    asyncio.run(main(json.load(sys.stdin)))
