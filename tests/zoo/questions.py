"""What each architecture of the zoo is asked: every technique, with settings of a second or two."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """A technique with the fields that are sent; `side` is the side of the network's input."""

    technique: str
    fields: Callable[[int], Fields]


def _always(**fields: Any) -> Callable[[int], Fields]:
    return lambda _side: fields


QUESTIONS: dict[str, Question] = {
    "predict": Question("predict", _always()),
    "saliency": Question("saliency", _always()),
    "guided_backprop": Question("guided_backprop", _always()),
    "grad_cam": Question("grad_cam", _always(relu=False)),
    "integrated_gradients": Question("integrated_gradients", _always(steps=2)),
    "rise": Question("rise", _always(masks=4, grid=2, score="logit")),
    "occlusion": Question(
        "occlusion", lambda side: {"window": side // 2, "stride": side // 2, "score": "logit"}
    ),
    "filters": Question("filters", _always(limit=4, slices=2)),
    "embed": Question("embed", _always()),
    "top_patches": Question("top_patches", _always(target="class:1", k=1, image_set="local")),
    "top_channels": Question("top_channels", _always(channels=2, k=1, image_set="local")),
    "activation_maximization": Question(
        "activation_maximization", _always(target="class:1", steps=2)
    ),
    "inversion": Question("inversion", _always(steps=2)),
    "deep_dream": Question("deep_dream", lambda side: {"octaves": 1, "steps": 1, "size": side}),
    "style_transfer": Question("style_transfer", _always(steps=2, scales=1, size=96)),
    "style_transfer_own_size": Question(
        "style_transfer", lambda side: {"steps": 2, "scales": 1, "size": side}
    ),
    "fooling": Question("fooling", _always(goal="class:2", mode="rubbish", steps=2)),
    "am_other_size": Question(
        "activation_maximization",
        lambda side: {"target": "class:1", "steps": 1, "size": side + side // 2},
    ),
}
