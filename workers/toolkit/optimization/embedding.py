"""What a layer keeps of an image."""

import torch
from PIL import Image
from torch import Tensor

from workers.toolkit.errors import NotFinite, NothingToInvert
from workers.toolkit.images.array import Array, Input
from workers.toolkit.network.maps import last_map
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel


@torch.no_grad()
def embedding(model: VisionModel, image: Image.Image, path: str) -> Tensor:
    """The layer's output, (1, C) or (1, C, H, W). Raises NotFinite."""
    code = model.network.run(model.prepare(image).x, path)
    if not bool(code.isfinite().all()):
        raise NotFinite(f"The layer {path!r} is NaN or infinite for this image.")
    return code.contiguous()  # summed in the same order as an array that is sent


def embedding_to_invert(model: VisionModel, sent: Input, path: str) -> Tensor:
    """The layer's output for an image, or the array that stands in for it. Raises NotFinite or NothingToInvert."""
    code = (
        embedding(model, sent, path)
        if isinstance(sent, Image.Image)
        else _as_code(model, sent, path)
    )
    if not bool(code.any()):
        raise NothingToInvert(
            f"The output of the layer {path!r} is 0 everywhere: there is nothing to make an image from."
        )
    return code


def last_embedding_layer(network: Network) -> str:
    """The last layer before the classes that gives a vector, (C,) or (C, 1, 1); if there is none, the last map."""
    whole = network.whole.graph
    output = next(node for node in whole.nodes if node.op == "output").all_input_nodes[0]
    vectors = [
        path
        for path, node in network.layers.items()
        if all(side == 1 for side in network.layer_shape(path)[1:]) and node is not output
    ]
    if not vectors:
        return last_map(network)
    last = network.layers[vectors[-1]]
    return min((path for path in vectors if network.layers[path] is last), key=len)


def _as_code(model: VisionModel, array: Array, path: str) -> Tensor:
    return torch.from_numpy(array).reshape(1, *model.network.layer_shape(path)).to(model.device)
