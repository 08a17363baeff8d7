"""Embeddings: the output of one layer for an image, and the layer to take by default."""

import torch
from PIL import Image
from torch import Tensor

from workers.toolkit.errors import NotFinite, NothingToInvert
from workers.toolkit.images.array import Input
from workers.toolkit.network.attached_layers import attach_layers
from workers.toolkit.network.maps import last_map
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel


@torch.no_grad()
def embedding(model: VisionModel, sent: Input, path: str) -> Tensor:
    """Return the layer's output for an image or bands, (1, C) or (1, C, H, W). Raises NotFinite."""
    output = model.network.run(model.prepare(sent).x, path)
    if not bool(output.isfinite().all()):
        raise NotFinite(f"The layer {path!r} is NaN or infinite for this image.")
    # Contiguous, so that it is summed in the same order as an array that a client sends.
    return output.contiguous()


def embedding_to_invert(model: VisionModel, sent: Input, path: str) -> Tensor:
    """Return the layer's output for an image, or the array that is sent in its place.

    Raises NotFinite, or NothingToInvert if it is zero everywhere.
    """
    output = _output(model, sent, path)
    if not bool(output.any()):
        raise NothingToInvert(
            f"The output of the layer {path!r} is 0 everywhere, "
            "so no image can be reconstructed from it."
        )
    return output


def last_embedding_layer(network: Network) -> str:
    """Return the last layer before the classes whose output is a vector, (C,) or (C, 1, 1).

    If there is none, return the last layer whose output is a map.
    """
    whole = network.whole.graph
    output = next(node for node in whole.nodes if node.op == "output").all_input_nodes[0]
    vectors = [
        path
        for path, node in network.layers.items()
        if all(side == 1 for side in network.layer_shape(path)[1:]) and node is not output
    ]
    if not vectors:
        return last_map(attach_layers(network))
    last = network.layers[vectors[-1]]
    return min((path for path in vectors if network.layers[path] is last), key=len)


def _output(model: VisionModel, sent: Input, path: str) -> Tensor:
    if isinstance(sent, Image.Image):
        return embedding(model, sent, path)
    shape = model.network.layer_shape(path)
    return torch.from_numpy(sent).reshape(1, *shape).to(model.device)
