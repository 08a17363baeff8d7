"""Is `fooling` as good as foolbox's attacks? On the same photographs and goals, with as many gradients, judged alike.

    .venv/bin/python -m benchmarks.fooling --rows rows.jsonl          # what is missing; again after a break
    .venv/bin/python -m benchmarks.fooling --rows rows.jsonl --table  # what the rows say

Each result is saved as a PNG, read back, and sent through the model's own preprocessing; only then it is a success.
The photographs are squares of the side to which the model resizes, so that nothing is resampled on the way to the
network, and foolbox loses nothing by knowing of no resizing.
"""

import argparse
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import foolbox
import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from catalog.models import find_model
from catalog.techniques.fooling import RUBBISH_CONFIDENCE, FoolingParams
from retinoscope.demo_plan import photograph
from workers.execute import execute
from workers.models.load import load_model
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.decode import decode
from workers.toolkit.images.perturbation import Perturbation
from workers.toolkit.images.picture import from_image, quantized, to_image
from workers.toolkit.network.vision_model import VisionModel

PHOTOGRAPHS = (
    "astronaut",
    "camera",
    "chelsea",
    "coffee",
    "motorcycle_left",
    "motorcycle_right",
    "rocket",
)
SEED, SMALLEST_CROP = 0, 0.6
LEVELS, PGD_STRIDE = (1, 2, 3, 4), 0.25
BATCH = 10

Images, Goals = list[Image.Image], list[int]
Made = list[tuple[Image.Image, int]]  # the picture, and the gradients that it took
Way = Callable[[VisionModel, Images, Goals, int], Made]


def main() -> None:
    options = _options()
    if options.table:
        print(table([json.loads(line) for line in options.rows.read_text().splitlines()]))
        return
    torch.set_num_threads(options.threads)
    model = load_model(find_model("efficientnet_lite0"), torch.device("cpu"))
    known = (
        [json.loads(line) for line in options.rows.read_text().splitlines()]
        if options.rows.exists()
        else []
    )
    until = time.monotonic() + options.seconds
    with options.rows.open("a") as rows:
        for some in measured(model, options, known):
            rows.writelines(json.dumps(row) + "\n" for row in some)
            rows.flush()
            if time.monotonic() > until:
                return
    print("nothing is missing")


def measured(
    model: VisionModel, options: argparse.Namespace, known: list[dict[str, Any]]
) -> Iterator[list[dict[str, Any]]]:
    done = {(row["way"], row["number"]) for row in known}
    drawn = pairs(model, options.pairs)
    for first in range(0, options.pairs, BATCH):
        for way in WAYS:
            last = min(first + BATCH, options.pairs, ENOUGH.get(way, options.pairs))
            numbers = [i for i in range(first, last) if (way, i) not in done]
            if numbers:
                images, goals = [drawn[i][0] for i in numbers], [drawn[i][1] for i in numbers]
                rows = attacked(model, way, images, goals, options.steps)
                yield [
                    {"way": way, "number": i, **row} for i, row in zip(numbers, rows, strict=True)
                ]
    for start, count in (("noise", options.rubbish), ("zero", options.rubbish // 5)):
        for i, goal in enumerate(classes(model, count)):
            if (f"rubbish {start}", i) not in done:
                yield [{"way": f"rubbish {start}", "number": i, **rubbish(model, goal, start)}]


def pairs(model: VisionModel, count: int) -> list[tuple[Image.Image, int]]:
    """Random squares of the photographs, half of them mirrored, and random classes that are not seen first."""
    draw, found = np.random.default_rng(SEED), []
    while len(found) < count:
        image = decode(photograph(PHOTOGRAPHS[draw.integers(len(PHOTOGRAPHS))]))
        side = round(min(image.size) * draw.uniform(SMALLEST_CROP, 1))
        left, top = (int(draw.integers(length - side + 1)) for length in image.size)
        square = image.crop((left, top, left + side, top + side))
        square = square.resize((model.preprocessing.resize,) * 2, Image.Resampling.LANCZOS)
        square = ImageOps.mirror(square) if draw.random() < 0.5 else square
        goal = int(draw.integers(len(model.labels)))
        if goal != first_class(model, square)[0]:
            found.append((square, goal))
    return found


def classes(model: VisionModel, count: int) -> list[int]:
    """Different random classes."""
    drawn: list[int] = np.random.default_rng(SEED).permutation(len(model.labels))[:count].tolist()
    return drawn


@torch.no_grad()
def first_class(model: VisionModel, image: Image.Image) -> tuple[int, Tensor]:
    """The first class and all probabilities of an image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    probabilities = model.network.logits(model.prepare(decode(buffer.getvalue())).x)[0].softmax(0)
    return int(probabilities.argmax()), probabilities


def attacked(
    model: VisionModel, way: str, images: Images, goals: Goals, steps: int
) -> list[dict[str, Any]]:
    rows = []
    for before, (after, gradients), goal in zip(
        images, WAYS[way](model, images, goals, steps), goals, strict=True
    ):
        change = Perturbation.between(before, after)
        success = first_class(model, after)[0] == goal
        rows.append(
            {
                "success": success,
                "l2": change.l2,
                "levels": change.linf_levels,
                "gradients": gradients,
            }
        )
    return rows


def ours(norm: str) -> Way:
    def way(model: VisionModel, images: Images, goals: Goals, steps: int) -> Made:
        return [one(model, image, goal, steps) for image, goal in zip(images, goals, strict=True)]

    def one(
        model: VisionModel, image: Image.Image, goal: int, steps: int
    ) -> tuple[Image.Image, int]:
        return _run(
            model,
            {"goal": f"class:{goal}", "norm": norm, "steps": steps, "seed": 0},
            {"image": image},
        )

    return way


def rubbish(model: VisionModel, goal: int, start: str) -> dict[str, Any]:
    image, steps = _run(
        model, {"goal": f"class:{goal}", "mode": "rubbish", "start": start, "seed": goal}, {}
    )
    return {
        "probability": float(first_class(model, image)[1][goal]),
        "goal": goal,
        "gradients": steps,
    }


def _run(
    model: VisionModel, fields: dict[str, Any], images: dict[str, Image.Image]
) -> tuple[Image.Image, int]:
    params = FoolingParams.model_validate(fields).resolved(find_model(model.name))
    context = LocalContext(checkpoints=False)
    summary = execute("fooling", params, model, images, context)
    return decode(context.files["image.png"]), summary.steps  # type: ignore[attr-defined]


class Seen(nn.Module):
    """Pictures in 0..1 → logits, through the model's own cut; with `rounded`, as the saved file has them."""

    def __init__(self, model: VisionModel, *, rounded: bool) -> None:
        super().__init__()
        self._model, self._rounded = model, rounded

    def forward(self, pictures: Tensor) -> Tensor:
        if self._rounded:
            pictures = pictures + (quantized(pictures) - pictures).detach()
        left, top = self._model.preprocessing.corner(pictures.shape[3], pictures.shape[2])
        crop = self._model.preprocessing.crop
        square = pictures[..., top : top + crop, left : left + crop]
        return self._model.network.logits(self._model.preprocessing.normalize(square))


def ddn(*, rounded: bool) -> Way:
    def way(model: VisionModel, images: Images, goals: Goals, steps: int) -> Made:
        made = _foolbox(foolbox.attacks.DDNAttack(steps=steps), model, images, goals, None, rounded)
        return [(image, steps) for image in made]

    return way


def pgd(model: VisionModel, images: Images, goals: Goals, steps: int) -> Made:
    """The least of four bounds at which it succeeds as a file; the gradients are shared among the bounds."""
    each = steps // len(LEVELS)
    attack = foolbox.attacks.LinfPGD(steps=each, rel_stepsize=PGD_STRIDE, random_start=False)
    made: Made = [(image, 0) for image in images]
    for level in LEVELS:
        left = [i for i, goal in enumerate(goals) if first_class(model, made[i][0])[0] != goal]
        if not left:
            break
        some, aims = [images[i] for i in left], [goals[i] for i in left]
        for i, image in zip(
            left, _foolbox(attack, model, some, aims, level / 255, True), strict=True
        ):
            made[i] = image, made[i][1] + each
    return made


def _foolbox(
    attack: Any,
    model: VisionModel,
    images: Images,
    goals: Goals,
    bound: float | None,
    rounded: bool,
) -> Images:
    seen = foolbox.PyTorchModel(Seen(model, rounded=rounded).eval(), bounds=(0, 1), device="cpu")
    criterion = foolbox.criteria.TargetedMisclassification(torch.tensor(goals))
    batch = torch.cat([from_image(image) for image in images])
    _, clipped, _ = attack(seen, batch, criterion, epsilons=bound)
    return [to_image(picture[None]) for picture in clipped]


WAYS: dict[str, Way] = {
    "L2, ours": ours("l2"),
    "L2, foolbox DDN": ddn(rounded=False),
    "L2, foolbox DDN, rounding in its model": ddn(rounded=True),
    "L∞, ours": ours("linf"),
    "L∞, foolbox PGD": pgd,
}
ENOUGH = {"L2, foolbox DDN": 10}
"""Pairs, where that many show that it hardly succeeds: its changes are smaller than what rounding takes away."""


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: a row for each way; medians over what succeeded."""
    lines = [
        "| | pairs | success | median L2 | L2 / ours, median | median L∞, levels | gradients, median |"
    ]
    lines.append("|---|---|---|---|---|---|---|")
    for way in WAYS:
        mine = [row for row in rows if row["way"] == way]
        if mine:
            good = [row for row in mine if row["success"]]
            l2, levels = (
                f"{median(row[key] for row in good):.3g}" if good else "–"
                for key in ("l2", "levels")
            )
            gradients = f"{median(row['gradients'] for row in mine):.0f}"
            lines.append(
                f"| {way} | {len(mine)} | {len(good)} | {l2} | {_to_ours(rows, way, good)} | {levels} | {gradients} |"
            )
    return "\n".join(lines + [_rubbish(rows, start) for start in ("noise", "zero")])


def _to_ours(rows: list[dict[str, Any]], way: str, good: list[dict[str, Any]]) -> str:
    """The median of the ratio on the same pair, both successful, and on how many ours is smaller."""
    ours = {row["number"]: row["l2"] for row in rows if row["way"] == "L2, ours" and row["success"]}
    ratios = [row["l2"] / ours[row["number"]] for row in good if row["number"] in ours]
    if way == "L2, ours" or not way.startswith("L2") or not ratios:
        return "–"
    return f"{median(ratios):.3f} (ours smaller on {sum(ratio > 1 for ratio in ratios)} of {len(ratios)})"


def _rubbish(rows: list[dict[str, Any]], start: str) -> str:
    mine = [row for row in rows if row["way"] == f"rubbish {start}"]
    if not mine:
        return ""
    reached = sum(row["probability"] >= RUBBISH_CONFIDENCE for row in mine)
    least, steps = min(row["probability"] for row in mine), median(row["gradients"] for row in mine)
    return (
        f"\nRubbish from {start}: {reached} of {len(mine)} classes at {RUBBISH_CONFIDENCE} or more; the least is "
        f"{least:.5f}; {steps:.0f} gradients in the median."
    )


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
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument(
        "--rubbish",
        type=int,
        default=100,
        help="classes, from noise; a fifth of them from black too",
    )
    parser.add_argument("--steps", type=int, default=60, help="gradients of each search")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after about so long")
    return parser.parse_args()


if __name__ == "__main__":
    main()
