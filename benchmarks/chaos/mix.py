"""A seeded list of jobs to request: fast, slow, toxic, and canceled ones."""

import io
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

import numpy as np
from PIL import Image

from benchmarks.chaos.forms import Form
from benchmarks.chaos.owners import OWNERS

Kind = Literal["fast", "slow", "toxic", "canceled"]

_FAST: list[dict[str, str]] = [
    {"technique": "predict"},
    {"technique": "saliency", "samples": "4"},
    {"technique": "grad_cam"},
    {"technique": "guided_backprop"},
    {"technique": "integrated_gradients", "steps": "20"},
    {"technique": "occlusion", "window": "8", "stride": "4"},
]
_SLOW: list[dict[str, str]] = [
    {"technique": "activation_maximization", "target": "class:3", "steps": "1000"},
    {"technique": "deep_dream", "octaves": "2", "steps": "500", "size": "48"},
]
_WITHOUT_IMAGE = {"activation_maximization"}
_PICTURES = 8
_TWINS_WITHIN = 6


@dataclass(frozen=True)
class Wish:
    """One job that a client wants. `cancel_after_s` is set if the client will cancel it."""

    number: int
    kind: Kind
    technique: str
    fields: Mapping[str, str] = field(default_factory=dict)
    cancel_after_s: float | None = None
    picture: int = 0
    owner: str = OWNERS[0]

    def files(self) -> dict[str, tuple[str, bytes, str]]:
        if self.technique in _WITHOUT_IMAGE:
            return {}
        return {"image": ("picture.png", picture(self.picture), "image/png")}


def wishes(form: Form, seed: int) -> list[Wish]:
    """Return the jobs of a run. Each has its own seed, except twins of a job shortly before."""
    chance = random.Random(seed)
    rare: dict[Kind, float] = {
        "slow": form.slow_share,
        "toxic": form.toxic_share,
        "canceled": form.canceled_share,
    }
    kinds: list[Kind] = [
        kind for kind, share in rare.items() for _ in range(max(2, round(form.jobs * share)))
    ]
    kinds += ["fast"] * (form.jobs - len(kinds))
    chance.shuffle(kinds)
    made: list[Wish] = []
    for number, kind in enumerate(kinds):
        before = [wish for wish in made[-_TWINS_WITHIN:] if wish.kind == kind]
        twin = chance.choice(before) if before and chance.random() < form.twin_share else None
        made.append(replace(twin, number=number) if twin else _wish(number, kind, chance))
    return made


def _wish(number: int, kind: Kind, chance: random.Random) -> Wish:
    owner = OWNERS[number % len(OWNERS)]
    if kind == "toxic":
        model = chance.choice(["toxic_child", "toxic_group"])
        fields = {"model": model, "seed": str(number)}
        return Wish(number, kind, "predict", fields, owner=owner)
    fields = dict(chance.choice(_FAST if kind == "fast" else _SLOW)) | {
        "model": "tiny",
        "seed": str(number),
    }
    patience = chance.uniform(0, 4) if kind == "canceled" else None
    technique, picture = fields.pop("technique"), number % _PICTURES
    return Wish(number, kind, technique, fields, patience, picture, owner)


@cache
def picture(number: int) -> bytes:
    """Return a PNG of 32 × 32 random pixels."""
    pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
