"""Models that the tests of this folder share; none of them changes a model."""

import pytest
import torch

from catalog.models import DEFAULT_MODEL, find_model
from tests.tiny import EveryRelu, tiny_model
from workers.models.load import load_model
from workers.toolkit.network.vision_model import VisionModel


@pytest.fixture(scope="session")
def tiny() -> VisionModel:
    return tiny_model()


@pytest.fixture(scope="session")
def every_relu() -> VisionModel:
    return tiny_model(EveryRelu)


@pytest.fixture(scope="session")
def default_model() -> VisionModel:
    """Return the default model with its weights; it has ReLU6 only."""
    return load_model(find_model(DEFAULT_MODEL), torch.device("cpu"))
