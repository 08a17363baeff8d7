"""What does each layer keep? The normalized error of inversions by depth, over several photographs.

    .venv/bin/python -m benchmarks.inversion --rows rows.jsonl          # what is missing; again after a break
    .venv/bin/python -m benchmarks.inversion --rows rows.jsonl --table  # what the rows say

The error is that of the 8-bit picture, the parameters are the defaults. The strip is asked for as a client would ask.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from catalog.models import find_model
from catalog.techniques.inversion import InversionParams, InversionSummary
from retinoscope.demo_plan import photograph
from workers.execute import execute
from workers.models.load import load_model
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.decode import decode
from workers.toolkit.network.vision_model import VisionModel

PHOTOGRAPHS = (
    "chelsea",
    "coffee",
    "camera",
    "rocket",
    "astronaut",
    "motorcycle_left",
    "horse",
    "motorcycle_right",
)
LAYERS = ("conv_stem", "blocks.2", "blocks.4", "blocks.5", "global_pool")


def main() -> None:
    options = _options()
    known = (
        [json.loads(line) for line in options.rows.read_text().splitlines()]
        if options.rows.exists()
        else []
    )
    if options.table:
        print(table(known))
        return
    torch.set_num_threads(2)
    model = load_model(find_model("efficientnet_lite0"), torch.device("cpu"))
    until = time.monotonic() + options.seconds
    layers = tuple(options.layers.split(","))
    done = {(row["photograph"], row["seed"]) for row in known if row["layer"] == layers[-1]}
    with options.rows.open("a") as file:
        for name, seed in ((name, seed) for seed in range(options.seeds) for name in PHOTOGRAPHS):
            if (name, seed) in done:
                continue
            if time.monotonic() > until:
                return
            file.writelines(
                json.dumps(row) + "\n" for row in inverted(model, name, seed, layers, options.out)
            )
            file.flush()
    print("nothing is missing")


def inverted(
    model: VisionModel, name: str, seed: int, layers: tuple[str, ...], out: Path | None
) -> Iterator[dict[str, Any]]:
    """A row for each layer of one photograph's strip."""
    params = InversionParams.model_validate({"layers": ", ".join(layers), "seed": seed}).resolved(
        find_model(model.name)
    )
    context = LocalContext(checkpoints=False)
    summary = execute("inversion", params, model, {"image": decode(photograph(name))}, context)
    assert isinstance(summary, InversionSummary) and summary.original is not None
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}-{seed}.png").write_bytes(context.files["strip.png"])
    for layer in summary.layers:
        assert layer.same_class is not None
        yield {
            "photograph": name,
            "seed": seed,
            "layer": layer.layer,
            "error": layer.error[0],
            "kept": layer.same_class[0],
            "original": f"{summary.original.label} {summary.original.probability:.2f}",
            "predicted": f"{layer.predicted[0].label} {layer.predicted[0].probability:.2f}",
        }


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: a row for each layer."""
    lines = [
        "| layer | runs | mean error | deviation | largest | first class kept |",
        "|---|---|---|---|---|---|",
    ]
    for layer in LAYERS:
        mine = [row for row in rows if row["layer"] == layer]
        errors = [row["error"] for row in mine]
        if len(mine) > 1:
            kept = sum(row["kept"] for row in mine)
            numbers = " | ".join(
                f"{value:.3f}" for value in (mean(errors), stdev(errors), max(errors))
            )
            lines.append(f"| `{layer}` | {len(mine)} | {numbers} | {kept} |")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows",
        type=Path,
        required=True,
        help="one JSON object a line; what is there is not done again",
    )
    parser.add_argument("--table", action="store_true", help="print the table of the rows")
    parser.add_argument("--layers", default=",".join(LAYERS), help="with commas between them")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each photograph")
    parser.add_argument("--out", type=Path, help="folder for the strips")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after about so long")
    return parser.parse_args()


if __name__ == "__main__":
    main()
