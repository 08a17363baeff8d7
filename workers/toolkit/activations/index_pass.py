"""One pass over an image set, which fills or extends the activation index of a layer."""

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.toolkit.activations.activation_index import ActivationIndex, Floats, Integers, maxima
from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.batch_runner import BatchRunner
from workers.toolkit.execution.batches import batch_size
from workers.toolkit.execution.types import Progress
from workers.toolkit.images.image_set import ImageSet
from workers.toolkit.network.vision_model import VisionModel

log = logging.getLogger(__name__)

_KEEP_EVERY_S = 5.0
_DECODERS = 2


class _Maxima(NamedTuple):
    """The maxima (B, C) of a batch, their places (B, C, 2), and which images are finite (B,)."""

    values: Floats
    places: Integers
    finite: NDArray[np.bool_]


def activation_index(
    model: VisionModel, path: str, image_set: ImageSet, name: str, progress: Progress
) -> ActivationIndex:
    """Return the index that is kept as `name`, extended by the images that it does not cover yet.

    The index is kept every few seconds, so that a pass that is stopped continues from there.
    Progress counts images. Raises NotFinite.
    """
    channels = model.network.layer_channels(path)
    index = _kept(image_set, name, ActivationIndex.empty(channels, _made_by(model)))
    images = image_set.images[index.covered :]
    if not images:
        return index

    def forward(batch: Tensor) -> _Maxima:
        return _forward(model, path, batch)

    runner = BatchRunner(forward)
    kept_at = time.monotonic()
    for batch in _inputs(model, path, image_set, images):
        progress(index.covered, len(image_set.images), "images")
        found = _joined(runner.run_pieces(batch))
        if not found.finite.all():
            image = image_set.images[index.covered + int(found.finite.argmin())]
            raise NotFinite(
                f"The layer {path!r} is NaN or infinite for the image {image} of the set."
            )
        index = index.extended(found.values, found.places)
        if time.monotonic() - kept_at > _KEEP_EVERY_S:
            _keep(image_set, name, index)
            kept_at = time.monotonic()
    _keep(image_set, name, index)
    return index


def _keep(image_set: ImageSet, name: str, index: ActivationIndex) -> None:
    """Keep the index, unless another pass has kept one that covers more."""
    data = image_set.kept(name)
    other = None if data is None else ActivationIndex.read(data)
    if other is None or other.made_by != index.made_by or other.covered < index.covered:
        image_set.keep(name, index.write())


def _made_by(model: VisionModel) -> str:
    """Return a digest of the preprocessing and the graph."""
    text = f"{model.preprocessing!r}\n{model.network.whole.graph}"
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(image_set: ImageSet, name: str, empty: ActivationIndex) -> ActivationIndex:
    """Return the index that is kept, or the empty one if that does not fit the model or the set."""
    data = image_set.kept(name)
    if data is None:
        return empty
    index = ActivationIndex.read(data)
    fits = index is not None and (index.channels, index.made_by) == (empty.channels, empty.made_by)
    if index is not None and fits and index.covered <= len(image_set.images):
        return index
    log.warning("the index %s cannot be used and is made again", name)
    return empty


def _inputs(
    model: VisionModel, path: str, image_set: ImageSet, images: Sequence[str]
) -> Iterator[Tensor]:
    """Yield the network's inputs (B, C, H, W).

    The next photographs are decoded while the network processes a batch.
    """
    size = batch_size(model.network, path)
    batches = [images[start : start + size] for start in range(0, len(images), size)]

    def prepare(image: str) -> Tensor:
        return model.preprocessing.prepare(image_set.open(image)).x

    with ThreadPoolExecutor(_DECODERS) as decoders:

        def read(batch: Sequence[str]) -> list[Tensor]:
            return list(decoders.map(prepare, batch))

        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(read, batches[0])
            for following in [*batches[1:], None]:
                inputs = coming.result()
                if following is not None:
                    coming = reader.submit(read, following)
                yield torch.cat(inputs).to(model.device)


@torch.no_grad()
def _forward(model: VisionModel, path: str, batch: Tensor) -> _Maxima:
    output = model.network.run(batch, path)
    finite = output.flatten(1).isfinite().all(1).cpu().numpy()
    return _Maxima(*maxima(output), finite)


def _joined(pieces: Sequence[_Maxima]) -> _Maxima:
    return _Maxima(*(np.concatenate(parts) for parts in zip(*pieces, strict=True)))
