"""Loaded models, kept while their weights fit into the worker's memory limit.

The least recently used model is evicted first.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

import torch

from catalog.models import find_model
from workers.models.load import load_model
from workers.models.verdicts import Descriptions, no_descriptions
from workers.toolkit.network.vision_model import VisionModel


class ModelCache:
    """An LRU cache of models on one device, limited by the bytes of their weights.

    `descriptions` are those that workers have published. `on_change` is told the bytes of each
    model's weights whenever another set of models is loaded.
    """

    def __init__(
        self,
        device: torch.device,
        memory_bytes: int,
        descriptions: Descriptions = no_descriptions,
        on_change: Callable[[Mapping[str, int]], None] = lambda _: None,
    ) -> None:
        self.device = device
        self._descriptions = descriptions
        self._memory_bytes = memory_bytes
        self._on_change = on_change
        self._models: OrderedDict[str, VisionModel] = OrderedDict()
        self._loading = threading.Lock()

    def get(self, name: str) -> VisionModel:
        """Return the model, and load it first if necessary. Raises ModelError or UnknownModel."""
        with self._loading:
            if name not in self._models:
                self._models[name] = load_model(find_model(name), self.device, self._descriptions)
                self._make_room(name)
                self._on_change(self._bytes())
            self._models.move_to_end(name)
            return self._models[name]

    def __contains__(self, name: str) -> bool:
        return name in self._models

    def _make_room(self, newest: str) -> None:
        while len(self._models) > 1 and self._used_bytes() > self._memory_bytes:
            oldest = next(iter(self._models))
            if oldest == newest:
                return
            del self._models[oldest]
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _used_bytes(self) -> int:
        return sum(self._bytes().values())

    def _bytes(self) -> dict[str, int]:
        return {name: weight_bytes(model) for name, model in self._models.items()}


def weight_bytes(model: VisionModel) -> int:
    """Return how many bytes the model's parameters, buffers and folded weights occupy."""
    tensors = [*model.network.module.parameters(), *model.network.module.buffers()]
    return sum(tensor.nbytes for tensor in tensors) + model.network.folded_bytes
