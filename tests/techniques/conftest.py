"""Models that the tests of this folder share; none of them changes a model."""

from importlib import import_module
from typing import Any

import pytest
import torch

from catalog.models import DEFAULT_MODEL, find_model
from catalog.registry import techniques
from catalog.technique import Summary
from tests.techniques.conformance import assert_conforms, files_of_one_run
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


@pytest.fixture(autouse=True)
def every_run_conforms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare whatever a technique returns and leaves, in any test, with its declaration."""
    for name in techniques():
        module = import_module(f"workers.techniques.{name}")
        monkeypatch.setattr(module, "run", _compared(name, module.run))


def _compared(name: str, run: Any) -> Any:
    def compared(task: Any, context: Any) -> Summary:
        with files_of_one_run(context) as files:
            summary: Summary = run(task, context)
        kinds = getattr(context, "media_types", {})
        assert_conforms(name, task.params, summary, files, kinds)
        return summary

    return compared
