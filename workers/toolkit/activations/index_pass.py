"""One pass over an image set, which fills or extends the activation index of a layer."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.toolkit.activations.activation_index import ActivationIndex, Floats, Integers, maxima
from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.batches import batch_size
from workers.toolkit.execution.memory import Pieces
from workers.toolkit.images.image_set import ImageSet
from workers.toolkit.network.vision_model import VisionModel

log = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]

_KEEP_EVERY_S = 5.0
_DECODERS = 2


def activation_index(
    model: VisionModel, path: str, image_set: ImageSet, name: str, progress: Progress
) -> ActivationIndex:
    """The index that is kept as `name`, extended by the images that it does not cover yet.

    What was done is kept every few seconds, so that a pass that is stopped goes on from there. Progress counts images.
    Raises NotFinite.
    """
    index = _kept(
        image_set, name, ActivationIndex.empty(model.network.layer_channels(path), _made_by(model))
    )
    images = image_set.images[index.covered :]
    if not images:
        return index
    began, look = time.monotonic(), Pieces(lambda some: _look(model, path, some))
    for batch in _views(model, path, image_set, images):
        progress(index.covered, len(image_set.images), "images")
        values, places, finite = (np.concatenate(parts) for parts in zip(*look(batch), strict=True))
        if not finite.all():
            image = image_set.images[index.covered + int(finite.argmin())]
            raise NotFinite(
                f"The layer {path!r} is NaN or infinite for the image {image} of the set."
            )
        index = index.extended(values, places)
        if time.monotonic() - began > _KEEP_EVERY_S:
            _keep(image_set, name, index)
            began = time.monotonic()
    _keep(image_set, name, index)
    return index


def _keep(image_set: ImageSet, name: str, index: ActivationIndex) -> None:
    """Unless another pass has come further meanwhile."""
    data = image_set.kept(name)
    other = None if data is None else ActivationIndex.read(data)
    if other is None or other.made_by != index.made_by or other.covered < index.covered:
        image_set.keep(name, index.write())


def _made_by(model: VisionModel) -> str:
    """What the activations depend on besides the weights: how the input is made, and the graph."""
    facts = f"{model.preprocessing}\n{model.network.whole.graph}"
    return hashlib.sha256(facts.encode()).hexdigest()


def _kept(image_set: ImageSet, name: str, empty: ActivationIndex) -> ActivationIndex:
    data = image_set.kept(name)
    if data is None:
        return empty
    index = ActivationIndex.read(data)
    fits = index is not None and (index.channels, index.made_by) == (empty.channels, empty.made_by)
    if index is not None and fits and index.covered <= len(image_set.images):
        return index
    log.warning("the index %s cannot be used and is made again", name)
    return empty


def _views(
    model: VisionModel, path: str, image_set: ImageSet, images: Sequence[str]
) -> Iterator[Tensor]:
    """The network's inputs (B, C, H, W); photographs are decoded while the network works on those before them."""
    size = batch_size(model.network, path)
    batches = [images[start : start + size] for start in range(0, len(images), size)]
    with ThreadPoolExecutor(_DECODERS) as pool:

        def read(batch: Sequence[str]) -> list[Tensor]:
            return list(
                pool.map(lambda image: model.preprocessing.prepare(image_set.open(image)).x, batch)
            )

        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(read, batches[0])
            for following in [*batches[1:], None]:
                views = coming.result()
                if following is not None:
                    coming = ahead.submit(read, following)
                yield torch.cat(views).to(model.device)


@torch.no_grad()
def _look(
    model: VisionModel, path: str, batch: Tensor
) -> tuple[Floats, Integers, NDArray[np.bool_]]:
    """Maxima and their places, and which images (B,) gave finite numbers."""
    output = model.network.run(batch, path)
    return (*maxima(output), output.flatten(1).isfinite().all(1).cpu().numpy())
