"""What the demo shows: every technique, on photographs, on a set of photographs, or on the model alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from catalog.registry import techniques
from catalog.technique import Technique

PHOTOGRAPHS = ("coffee", "chelsea")
MODEL = "the model itself"

# What is worth seeing of the default model, where that is more than the technique's example.
_FIELDS: dict[str, list[dict[str, str]]] = {
    "top_patches": [
        {"target": "conv_stem:3"},
        {"target": "conv_stem:8"},
        {"target": "blocks.2.0.conv_pwl:5"},
        {"target": "blocks.4.0.conv_pw:20", "guided": "true"},
        {"target": "class:285"},
    ],
    "saliency": [{"check": "true"}],
    "guided_backprop": [{"check": "true"}],
    "grad_cam": [{"check": "true"}],
    "rise": [{"masks": "400"}],
    "activation_maximization": [{"target": "class:espresso", "steps": "96"}],
    "top_channels": [{"layer": "blocks.4.0.conv_pw", "channels": "6"}],
}


@dataclass(frozen=True)
class Showing:
    """One job of the demo."""

    photograph: str  # or MODEL
    technique: Technique
    number: int
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.technique.name} · {self.photograph}"

    @property
    def stem(self) -> str:
        """How the names of its files begin."""
        first = self.photograph if self.photograph in PHOTOGRAPHS else "model"
        return f"{first}-{self.technique.name}" + (f"-{self.number}" if self.number else "")


def showings() -> Iterator[Showing]:
    for photograph in (*PHOTOGRAPHS, MODEL):
        for technique in techniques().values():
            if bool(technique.images) == (photograph != MODEL):
                for number, fields in enumerate(_fields(technique)):
                    yield Showing(photograph, technique, number, fields)


def photograph(name: str) -> bytes:
    """A photograph that scikit-image ships."""
    return (_folder() / f"{name}.png").read_bytes()


def all_photographs() -> list[Path]:
    """Every picture that scikit-image ships, but those that are too small to be one."""
    return sorted(path for path in _folder().iterdir() if path.suffix in (".png", ".jpg", ".jpeg"))


def _fields(technique: Technique) -> list[dict[str, str]]:
    example = {key: str(value) for key, value in technique.example.items()}
    return [example | fields for fields in _FIELDS.get(technique.name, [{}])]


def _folder() -> Path:
    spec = find_spec("skimage")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"
