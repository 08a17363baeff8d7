"""The examination of one architecture: `python -m tests.zoo.examination NAME FILE`.

It takes the road of a user's own model: a TOML entry, a file of weights, `load_model`, `execute`.
"""

import json
import sys
import tempfile
import traceback
import warnings
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import fx, nn

from catalog.custom_models import read_models
from catalog.errors import CatalogError
from catalog.models import ModelEntry
from catalog.registry import find_technique
from tests.tiny import photo
from tests.zoo.agreement import agreement, in_double
from tests.zoo.architectures import ARCHITECTURES, CLASSES, seeded
from tests.zoo.questions import QUESTIONS, Question
from workers.execute import execute
from workers.models.describe import describe
from workers.models.double_precision import Differentiated
from workers.models.errors import ModelError
from workers.models.load import load_model
from workers.toolkit.errors import TechniqueError
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.image_set import LocalImageSet
from workers.toolkit.network.graph import operator_info
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.vision_model import VisionModel

Record = dict[str, Any]
REFUSALS = (CatalogError, ModelError, TechniqueError)


def examine(name: str) -> Record:
    """Return what became of the architecture: statuses, errors, default layer."""
    began = monotonic()
    side = ARCHITECTURES[name].side
    record: Record = {"model": name, "side": side, "loaded": "ok"}
    module = seeded(name)
    with tempfile.TemporaryDirectory() as folder:
        entry = _entry(name, module, side, Path(folder))
        try:
            model = load_model(entry, torch.device("cpu"))
        except REFUSALS as error:
            return record | {"loaded": f"refused:{error.code}", "detail": str(error)}
        record |= _facts(model)
        record |= _answers(model, entry)
    record["errors"] = _agreements(model.network, module)
    return record | {"seconds": round(monotonic() - began, 1)}


def _entry(name: str, module: nn.Module, side: int, folder: Path) -> ModelEntry:
    state = {key: value.contiguous().clone() for key, value in module.state_dict().items()}
    save_file(state, folder / "weights.safetensors")
    file = folder / "models.toml"
    file.write_text(
        '[models.zoo]\nbuilder = "tests.zoo.architectures:build"\n'
        f'arguments = {{name = "{name}"}}\nweights = "weights.safetensors"\n'
        f"input_size = {side}\nmean = [0.5]\nstd = [0.25]\nclasses = {CLASSES}\n"
    )
    return read_models(file)["zoo"]


def _facts(model: VisionModel) -> Record:
    network = model.network
    described = describe(model.name, network, None)
    return {
        "layers": len(described.layers),
        "maps": sum(len(layer.shape) == 3 for layer in described.layers),
        "fields": sum(layer.receptive_field is not None for layer in described.layers),
        "folded": network.folding.folded,
        "rectifiers": described.rectifiers,
    }


def _answers(model: VisionModel, entry: ModelEntry) -> Record:
    found: Record = {"techniques": {}}
    for key, question in QUESTIONS.items():
        status, summary = _asked(question, model, entry)
        found["techniques"][key] = status
        if status != "ok":
            found.setdefault("details", {})[key] = summary
        elif key == "grad_cam":
            found |= {"map_layer": summary.layer, "depth": depth(model.network, summary.layer)}
        elif key == "occlusion":
            found["engine"] = summary.engine
    return found


def _asked(question: Question, model: VisionModel, entry: ModelEntry) -> tuple[str, Any]:
    """Return `ok` with the summary, or what happened instead with the error's words."""
    technique = find_technique(question.technique)
    side = entry.input_size
    images = {
        image.name: photo(side, side, seed=i)
        for i, image in enumerate(technique.inputs)
        if image.kind == "image" and image.name in ("image", "content", "style")
    }
    try:
        fields = {"model": model.name, "seed": 1, **question.fields(side)}
        params = technique.params.model_validate(fields).resolved(entry)
        return "ok", execute(question.technique, params, model, images, _context(side))
    except REFUSALS as error:
        return f"refused:{error.code}", str(error)
    except Exception as error:
        return "FAILED:internal_error", "".join(traceback.format_exception(error))[-2000:]


def _context(side: int) -> LocalContext:
    context = LocalContext()
    pictures: dict[str, Image.Image] = {str(i): photo(side + 5, side + 8, seed=i) for i in (1, 2)}
    context.image_set = LocalImageSet(pictures)
    return context


def depth(network: Network, path: str) -> float:
    """Return how deep a layer lies, as a share of the network's depth.

    Depth counts convolutions and matrix products along the longest way from the image.
    """
    depths: dict[fx.Node, int] = {}
    for node in network.operators(LOGITS):
        before = max((depths.get(source, 0) for source in node.all_input_nodes), default=0)
        depths[node] = before + operator_info(node).weighted
    layer = network.operators(path)[-1]
    return round(depths.get(layer, 0) / max(*depths.values(), 1), 2)


def _agreements(network: Network, module: nn.Module) -> Record:
    x = torch.randn(2, *network.input_shape, generator=torch.Generator().manual_seed(2))
    single = asdict(agreement(network, module, x))
    double = in_double(network)
    with Differentiated(double=True):
        exact = asdict(agreement(double, module.double(), x.double()))
    return {"float32": single, "float64": exact}


def main() -> None:
    """Examine the architecture and write its record."""
    name, file = sys.argv[1:]
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    Path(file).write_text(json.dumps(examine(name), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
