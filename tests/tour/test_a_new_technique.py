"""A new technique: two files of one name and a test. There is no list to edit.

The first file says what the technique is, and imports no torch: the API reads it. The second says
how it is computed, and knows neither HTTP nor Redis. In the repository they lie in
`catalog/techniques` and `workers/techniques`. Here they lie in folders that the test adds to the
two packages.
"""

import math
from pathlib import Path

import pytest
import torch

import catalog.techniques
import workers.techniques
from catalog.models import find_model
from catalog.registry import find_technique, techniques
from retinoscope.list_techniques import list_techniques
from tests.tiny import photo
from workers.execute import execute
from workers.models.load import load_model
from workers.toolkit.execution.context import LocalContext

WHAT = '''
"""Certainty: how sure the model is of its prediction.

The entropy of the predicted distribution in bits: 0 if one class has all the probability.
"""

from pydantic import Field

from catalog.heatmap import IMAGE
from catalog.technique import Params, Summary, Technique


class CertaintyParams(Params):
    temperature: float = Field(1.0, gt=0, le=100, description="Divides the logits.")


class CertaintySummary(Summary):
    entropy: float = Field(description="In bits.")


TECHNIQUE = Technique(
    title="Certainty",
    reference="Shannon 1948",
    score="probability",
    params=CertaintyParams,
    summary=CertaintySummary,
    inputs=(IMAGE,),
)
'''

HOW = """
from catalog.techniques.certainty import CertaintySummary


def run(task, context):
    context.progress(0, 1)
    x = task.model.prepare(task.image()).x  # (1, C, H, W)
    p = (task.model.network.logits(x) / task.params.temperature).softmax(1)
    context.progress(1, 1)
    return CertaintySummary(entropy=float(-(p * p.log2()).sum()))
"""


@pytest.fixture
def certainty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the two files, and let the two packages find them."""
    for package, source in ((catalog.techniques, WHAT), (workers.techniques, HOW)):
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / "certainty.py").write_text(source)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    techniques.cache_clear()
    yield
    techniques.cache_clear()


@pytest.mark.usefixtures("certainty")
def test_two_files_make_a_technique() -> None:
    # The technique is found by its file name, and its docstring is its documentation.
    technique = find_technique("certainty")
    assert technique.description.startswith("Certainty: how sure the model is")
    assert any(line.startswith("certainty ") for line in list_techniques())

    # Run it as in a notebook, without a service. A worker calls the same function, with a context
    # that writes progress to Redis and files to the object store.
    model = load_model(find_model("efficientnet_lite0"), torch.device("cpu"))
    images, context = {"image": photo(60, 40)}, LocalContext()
    summary = execute("certainty", technique.params(seed=0), model, images, context)
    assert context.steps == [(0, 1), (1, 1)]

    # Test it against the formula, computed independently and slowly.
    logits = model.network.logits(model.prepare(images["image"]).x)[0].tolist()
    total = sum(map(math.exp, logits))
    chances = [math.exp(logit) / total for logit in logits]
    assert summary.entropy == pytest.approx(-sum(p * math.log2(p) for p in chances), rel=1e-4)
