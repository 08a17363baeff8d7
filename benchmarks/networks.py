"""Architectures with random weights that behave like trained ones: batch norms know the statistics of photographs."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import timm
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from workers.toolkit.images.decode import decode
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.precision import probe_inputs

NAMES = ("efficientnet_lite0", "resnet18", "resnet50", "mobilenet_v2", "vgg16")
_TIMM = {"efficientnet_lite0": "tf_efficientnet_lite0"}


def calibrated(name: str, side: int = 224) -> nn.Module:
    """torchvision's (timm's for efficientnet_lite0), always with the same weights, in eval mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = (
            timm.create_model(_TIMM[name])
            if name in _TIMM
            else torchvision.models.get_model(name, weights=None)
        )
    assert isinstance(made, nn.Module)
    norms = [part for part in made.modules() if isinstance(part, _BatchNorm)]
    made.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches that it sees
        norm.train()
    with torch.no_grad():
        made(_photographs(side))
    return made.eval()


@lru_cache
def _photographs(side: int) -> Tensor:
    """scikit-image's, as a model sees them: (26, 3, side, side); without it two synthetic ones, twice."""
    spec = find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        return torch.cat([probe_inputs((3, side, side))] * 2)
    folder = Path(spec.submodule_search_locations[0]) / "data"
    files = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg", ".jpeg"))
    preprocessing = Preprocessing(
        side * 8 // 7, side, "bilinear", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    )
    return torch.cat([preprocessing.prepare(decode(path.read_bytes())).x for path in files])


def separate_relus(module: nn.Module) -> nn.Module:
    """Hooks on a ReLU that overwrites its input see what they must not."""
    for part in module.modules():
        if hasattr(part, "inplace"):
            part.inplace = False
    return module
