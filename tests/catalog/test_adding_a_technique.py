"""The code on docs/adding-a-technique.md works as it is printed there."""

import io
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from catalog.technique import Params, Technique
from tests.techniques.running import Recording, entry_of
from tests.tiny import photo, tiny_model
from workers.models.describe import describe
from workers.task import make_task

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-technique.md").read_text(encoding="utf-8")
CATALOG, WORKER = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def catalog_module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return loaded("catalog.techniques.activation_map", CATALOG, monkeypatch)


def loaded(name: str, code: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a module of that name with the code of the page."""
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(code, name, "exec"), module.__dict__)
    return module


def test_the_example_saves_what_it_declares(
    catalog_module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = loaded("workers.techniques.activation_map", WORKER, monkeypatch)
    technique: Technique = catalog_module.TECHNIQUE
    model, context = tiny_model(), Recording()
    params = technique.params.model_validate({**technique.example, "seed": 1})
    resolved: Params = params.resolved(entry_of(model))
    description = describe(model.name, model.network, model.weights)
    task = make_task(resolved, model, {"image": photo(60, 40)}, description)
    summary = worker.run(task, context)
    assert type(resolved) is technique.resolved
    assert isinstance(summary, technique.summary)
    assert context.files.keys() == {artifact.name for artifact in technique.artifacts}
    with Image.open(io.BytesIO(context.files["map.png"])) as picture:
        levels = np.asarray(picture)
    assert levels.shape[:2] == (64, 64)
    assert (levels.min(), levels.max()) == (0, 255)


def test_every_hook_and_file_that_the_page_names_exists() -> None:
    for hook in re.findall(r"`(\w+)\([\w, ]*\)`", PAGE.split("## Hooks")[1].split("\n\n## ")[0]):
        assert hasattr(Params, hook) or hook == "Traits"
    for file in re.findall(r"`((?:catalog|workers|tests|docs)/[\w/-]+\.\w+)`", PAGE):
        assert (ROOT / file).exists() or "activation_map" in file
