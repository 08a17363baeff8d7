"""The page docs/coverage.md, written from the committed results."""

from pathlib import Path
from typing import Any

from tests.zoo.questions import QUESTIONS
from tests.zoo.results import ERRORS, Results

FILE = Path(__file__).parents[2] / "docs" / "coverage.md"
# Column titles of the techniques; each status is one or two letters of these.
SHORT = {
    "predict": "predict", "saliency": "saliency", "guided_backprop": "guided", "grad_cam": "CAM",
    "integrated_gradients": "IG", "rise": "RISE", "occlusion": "occlusion", "filters": "filters",
    "embed": "embed", "top_patches": "patches", "top_channels": "channels",
    "activation_maximization": "maximize", "inversion": "invert", "deep_dream": "dream",
    "style_transfer": "style", "style_transfer_own_size": "style, own size",
    "fooling": "fooling", "am_other_size": "maximize, other size",
}  # fmt: skip

INTRODUCTION = """# What works on which architecture

`make zoo` examines architectures of torchvision and timm with random seeded weights, at reduced
size and, for those of many blocks, reduced depth (`tests/zoo`). Each is loaded as a user's own
model is, with its acceptance test; each technique then runs with settings of a second or two.
No picture was judged.
"""
GEOMETRY = """## Layers, and agreement with the eager module

An error is the largest difference from the module as it is: not exported, not folded, not in
channels-last memory. It is relative to the largest value of the logits, of the gradient by the
image of a weighted sum of the logits, or of the worst of all listed layers, which is compared
with what a forward hook on its module sees. In float64 it is rounding. In float32 it shows what
single precision allows: the gradient of a network with ReLUs differs where the input of one is
zero up to rounding.

The map is the default layer of Grad-CAM. Its depth counts the convolutions and matrix products
on the longest way to it, as a share of those on the way to the logits.
"""
TECHNIQUES = """## Techniques

`+` is a success; anything else is the code of the refusal. Behind occlusion's `+` is its
engine: `i` for the incremental, `d` for the dense one.
"""


def page(results: Results) -> str:
    """Return the page."""
    loaded = {name: one for name, one in results.items() if one["loaded"] == "ok"}
    return "\n".join(
        [*_introduction(results, loaded), *_geometry(loaded), *_techniques(results, loaded)]
    )


def _introduction(results: Results, loaded: Results) -> list[str]:
    statuses = [status for one in loaded.values() for status in one["techniques"].values()]
    answered = sum(status == "ok" for status in statuses)
    codes = sorted({status.partition(":")[2] for status in statuses if status != "ok"})
    outcome = f"""{len(results)} architectures, of which {len(loaded)} are accepted. Of
{len(statuses)} jobs {answered} succeeded, and {len(statuses) - answered} were refused
(codes: {", ".join(f"`{code}`" for code in codes) or "none"}).
"""
    return [INTRODUCTION, outcome]


def _geometry(loaded: Results) -> list[str]:
    """Return the table of layers and errors."""
    rows = [
        GEOMETRY,
        "| architecture | side | layers (maps; with a regular field) | map | depth "
        "| float64: logits, gradient, layers | float32: logits, gradient, layers |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in loaded.items():
        errors = [
            ", ".join(f"{one['errors'][precision][what]:.0e}" for what in ERRORS)
            for precision in ("float64", "float32")
        ]
        layer = f"`{one['map_layer']}`" if "map_layer" in one else "none"
        depth = f"{one['depth']:.0%}" if "depth" in one else ""
        layers = f"{one['layers']} ({one['maps']}; {one['fields']})"
        cells = [name, str(one["side"]), layers, layer, depth, *errors]
        rows.append(f"| {' | '.join(cells)} |")
    return [*rows, ""]


def _techniques(results: Results, loaded: Results) -> list[str]:
    """Return the table of statuses, and the architectures that are refused."""
    rows = [
        TECHNIQUES,
        "| architecture | " + " | ".join(SHORT[key] for key in QUESTIONS) + " |",
        "| --- " * (len(QUESTIONS) + 1) + "|",
    ]
    for name, one in loaded.items():
        cells = " | ".join(_cell(key, one) for key in QUESTIONS)
        rows.append(f"| {name} | {cells} |")
    refused = [
        f"- {name}: `{one['loaded']}`" for name, one in results.items() if name not in loaded
    ]
    return [*rows, "", *(["Refused when they are loaded:", "", *refused, ""] if refused else [])]


def _cell(key: str, one: dict[str, Any]) -> str:
    status = str(one["techniques"][key])
    if status != "ok":
        return f"`{status.partition(':')[2]}`"
    return f"+{one['engine'][0]}" if key == "occlusion" else "+"
