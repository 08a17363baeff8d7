"""What the demo shows: every technique, on photographs, on a set of photographs, or on the model alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from catalog.registry import techniques
from catalog.technique import Technique

PHOTOGRAPHS = ("coffee", "chelsea")
MODEL = "the model itself"

# What is worth seeing of the default model, where that is more than the technique's example; sizes and steps for two
# cores. A value that begins with @ is a photograph to send.
_FIELDS: dict[str, list[dict[str, str]]] = {
    "saliency": [{"check": "true"}],
    "guided_backprop": [{"check": "true"}],
    "grad_cam": [{"check": "true"}],
    "rise": [{"masks": "400"}],
    "top_patches": [
        {"target": "conv_stem:3"},
        {"target": "conv_stem:8"},
        {"target": "blocks.2.0.conv_pwl:5"},
        {"target": "blocks.4.0.conv_pw:20", "guided": "true"},
        {"target": "class:285"},
    ],
    "top_channels": [{"layer": "blocks.4.0.conv_pw", "channels": "6"}],
    "activation_maximization": [
        {"target": "class:espresso", "steps": "256"},
        {"target": "blocks.4.0.conv_pw:20", "steps": "128"},
    ],
    "inversion": [{"layers": "blocks.2, blocks.5, global_pool", "steps": "192"}],
    "deep_dream": [{"octaves": "3", "steps": "8", "size": "320"}],
    "style_transfer": [{"style": "@ihc", "size": "224", "steps": "60", "scales": "1"}],
    "fooling": [
        {"goal": "class:lion", "mode": "adversarial", "steps": "60", "image": "@"},
        {"goal": "class:lion", "steps": "100"},
    ],
}


@dataclass(frozen=True)
class Showing:
    """One job of the demo."""

    photograph: str  # or MODEL
    technique: Technique
    number: int
    fields: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)  # name in the request → photograph

    @property
    def title(self) -> str:
        asked = self.fields.get("target") or self.fields.get("goal") or ""
        return f"{self.technique.name} {asked} · {self.photograph}".replace(" top ·", " ·").replace(
            "  ", " "
        )

    @property
    def stem(self) -> str:
        """How the names of its files begin."""
        first = self.photograph if self.photograph in PHOTOGRAPHS else "model"
        return f"{first}-{self.technique.name}" + (f"-{self.number}" if self.number else "")


def showings() -> Iterator[Showing]:
    for photograph in (*PHOTOGRAPHS, MODEL):
        for technique in techniques().values():
            for number, fields in enumerate(_fields(technique)):
                images = _images(technique, fields, photograph)
                if bool(images) == (photograph != MODEL):
                    plain = {
                        name: value for name, value in fields.items() if not value.startswith("@")
                    }
                    yield Showing(photograph, technique, number, plain, images)


def photograph(name: str) -> bytes:
    """A photograph that scikit-image ships."""
    return next(path for path in all_photographs() if path.stem == name).read_bytes()


def all_photographs() -> list[Path]:
    """Every picture that scikit-image ships, but those that are too small to be one."""
    return sorted(path for path in _folder().iterdir() if path.suffix in (".png", ".jpg", ".jpeg"))


def _images(technique: Technique, fields: Mapping[str, str], photograph: str) -> dict[str, str]:
    named = {name: value[1:] for name, value in fields.items() if value.startswith("@")}
    wanted = {image.name: "" for image in technique.minimal_inputs} | named
    return {name: other or photograph for name, other in wanted.items()}


def _fields(technique: Technique) -> list[dict[str, str]]:
    example = {key: str(value) for key, value in technique.example.items()}
    return [example | fields for fields in _FIELDS.get(technique.name, [{}])]


def _folder() -> Path:
    spec = find_spec("skimage")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"
