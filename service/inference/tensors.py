"""The Open Inference Protocol V2: tensors of a served name, and of an answer."""

import json
from collections.abc import Collection
from typing import Any

from catalog.served_name import ServedName
from jobs.model import Job
from service.inference.explanations import explanation, map_values
from service.inference.plan import Plan, has_map
from service.services import Services

EXPLANATION, HEATMAP = "explanation", "heatmap"


def model_metadata(served: ServedName, version: str) -> dict[str, Any]:
    """Return name, versions, platform, inputs and outputs of a served name."""
    side = served.model.input_size
    heatmap = {"name": HEATMAP, "datatype": "FP32", "shape": [-1, side, side]}
    return {
        "name": served.name,
        "versions": [version],
        "platform": "retinoscope",
        "inputs": [{"name": "image", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": EXPLANATION, "datatype": "BYTES", "shape": [-1, 1]},
            *([heatmap] if has_map(served.technique) else []),
        ],
    }


def output_tensors(
    services: Services, plan: Plan, jobs: list[Job], names: Collection[str]
) -> list[dict[str, Any]]:
    """Return the tensors that were asked for, in that order; by default the explanation alone."""
    made = {EXPLANATION: _explanations, HEATMAP: _heatmaps}
    return [made[name](services, plan, jobs) for name in dict.fromkeys(names or (EXPLANATION,))]


def _explanations(services: Services, plan: Plan, jobs: list[Job]) -> dict[str, Any]:
    """Return one JSON text for each image, as Seldon's explainers do."""
    return {
        "name": EXPLANATION,
        "datatype": "BYTES",
        "shape": [len(jobs), 1],
        "parameters": {"content_type": "str"},
        "data": [json.dumps(explanation(services, plan, job), ensure_ascii=False) for job in jobs],
    }


def _heatmaps(services: Services, _: Plan, jobs: list[Job]) -> dict[str, Any]:
    """Return the maps, [N, H, W]: all have the size of the model's input."""
    maps = [map_values(services, job) for job in jobs]
    return {
        "name": HEATMAP,
        "datatype": "FP32",
        "shape": [len(jobs), *maps[0][0]],
        "data": [value for _, values in maps for value in values],
    }
