"""The jobs of the demo: every technique, on photographs, on an image set, or on the model alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from catalog.registry import techniques
from catalog.technique import Technique

PHOTOGRAPHS = ("coffee", "chelsea")
MODEL = "the model itself"

# Parameters for the default model that show more than the example of the technique. Sizes and steps
# suit two cores. A value that begins with @ is a photograph to send.
_FIELDS: dict[str, list[dict[str, str]]] = {
    "saliency": [{"check": "true", "samples": "16"}],
    "guided_backprop": [{"check": "true"}],
    "grad_cam": [{"check": "true"}],
    "rise": [{"masks": "1000"}],
    "activations": [{"layer": "blocks.5.0.bn1.act", "order": "max", "top": "40", "tile": "72"}],
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
class DemoCase:
    """A job of the demo."""

    # One of PHOTOGRAPHS, or MODEL.
    photograph: str
    technique: Technique
    number: int
    fields: Mapping[str, str] = field(default_factory=dict)
    # Photographs by their names in the request.
    images: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Technique, target and photograph."""
        asked = self.fields.get("target") or self.fields.get("goal") or ""
        return f"{self.technique.name} {asked} · {self.photograph}".replace(" top ·", " ·").replace(
            "  ", " "
        )

    @property
    def stem(self) -> str:
        """Beginning of the names of the files."""
        first = self.photograph if self.photograph in PHOTOGRAPHS else "model"
        return f"{first}-{self.technique.name}" + (f"-{self.number}" if self.number else "")


def demo_cases() -> Iterator[DemoCase]:
    """Yield the jobs, by photograph."""
    for photograph in (*PHOTOGRAPHS, MODEL):
        for technique in techniques().values():
            for number, fields in enumerate(_fields(technique)):
                images = _images(technique, fields, photograph)
                if bool(images) == (photograph != MODEL):
                    plain = {
                        name: value for name, value in fields.items() if not value.startswith("@")
                    }
                    yield DemoCase(photograph, technique, number, plain, images)


def photograph(name: str) -> bytes:
    """Return a photograph of scikit-image."""
    return next(path for path in all_photographs() if path.stem == name).read_bytes()


def all_photographs() -> list[Path]:
    """Return the paths of all images of scikit-image."""
    return sorted(path for path in _folder().iterdir() if path.suffix in (".png", ".jpg", ".jpeg"))


def _images(technique: Technique, fields: Mapping[str, str], photograph: str) -> dict[str, str]:
    named = {name: value[1:] for name, value in fields.items() if value.startswith("@")}
    wanted = {image.name: "" for image in technique.minimal_inputs} | named
    return {name: other or photograph for name, other in wanted.items()}


def _fields(technique: Technique) -> list[dict[str, str]]:
    example = {key: str(value) for key, value in technique.example.items()}
    figure = {"figure": "png"} if "figure" in technique.params.model_fields else {}
    return [example | figure | fields for fields in _FIELDS.get(technique.name, [{}])]


def _folder() -> Path:
    spec = find_spec("skimage")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"
