"""torchvision's classification models with their published weights.

torchvision downloads them on first use into torch's cache.
"""

from pickle import UnpicklingError
from typing import Any
from urllib.error import URLError

import torchvision
from torch import Tensor, nn

from catalog.models import ModelEntry
from workers.models.errors import WeightsRefused, WeightsUnavailable

# These two are published with auxiliary heads, which do not contribute to the prediction.
_WITH_AUXILIARY = {"googlenet": ("aux1", "aux2"), "inception_v3": ("AuxLogits",)}


def architecture(entry: ModelEntry) -> nn.Module:
    """Return the network with random weights."""
    options: dict[str, Any] = {}
    if entry.name in _WITH_AUXILIARY:
        options = {"transform_input": True, "aux_logits": False, "init_weights": False}
    model: nn.Module = torchvision.models.get_model(entry.name, weights=None, **options)
    return model


def weights(entry: ModelEntry) -> dict[str, Tensor]:
    """Return the published tensors, downloaded if necessary.

    Raises WeightsUnavailable or WeightsRefused.
    """
    published = torchvision.models.get_model_weights(entry.name)[entry.weights]
    try:
        state: dict[str, Tensor] = published.get_state_dict(
            progress=False, check_hash=True, map_location="cpu", weights_only=True
        )
    except UnpicklingError as error:
        raise WeightsRefused(
            f"The file of {entry.weights} contains pickled code or is damaged. "
            "The code was not run."
        ) from error
    except (URLError, OSError, RuntimeError) as error:
        raise WeightsUnavailable(
            f"The weights {entry.weights} of {entry.name!r} are not in the worker's cache and "
            "cannot be downloaded. Give the worker access to torchvision's downloads, or put the "
            "file into the folder `hub/checkpoints` under TORCH_HOME."
        ) from error
    unused = _WITH_AUXILIARY.get(entry.name, ())
    return {name: value for name, value in state.items() if not name.startswith(unused or ("\0",))}
