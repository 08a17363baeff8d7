"""The default layers of style transfer, for the models with known good ones.

Those of VGG are from Gatys et al. 2016: content at relu4_2, style at relu1_1 to relu5_1.
"""

from collections.abc import Mapping

CONTENT = "style_transfer.content"
# One of several is style_transfer.style_1, and so on.
STYLE = "style_transfer.style"
PUBLISHED = frozenset({"vgg16", "vgg19"})

_LAYERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "vgg16": (
        "features.20",
        ("features.1", "features.6", "features.11", "features.18", "features.25"),
    ),
    "vgg19": (
        "features.22",
        ("features.1", "features.6", "features.11", "features.20", "features.29"),
    ),
    "tf_efficientnet_lite0": (
        "blocks.2.1.bn1",
        ("bn1", "blocks.1.0.bn1", "blocks.1.1.bn1", "blocks.2.1.bn1", "blocks.3.1.bn1"),
    ),
}


def recommended_style_layers(name: str) -> dict[str, str]:
    """Return the layers that a model recommends for style transfer, or none."""
    if (architecture := bare_name(name)) not in _LAYERS:
        return {}
    content, styles = _LAYERS[architecture]
    return {CONTENT: content} | {f"{STYLE}_{number}": path for number, path in enumerate(styles, 1)}


def recommended_layers(recommended: Mapping[str, str], kind: str) -> tuple[str, ...]:
    """Return the recommended layers of one kind (CONTENT or STYLE), in order."""
    numbered = {
        key: path for key, path in recommended.items() if key == kind or key.startswith(f"{kind}_")
    }
    return tuple(numbered[key] for key in sorted(numbered, key=lambda key: (len(key), key)))


def bare_name(name: str) -> str:
    """Return the architecture of a model's name: `vgg19` for `timm:vgg19.tv_in1k`."""
    return name.rpartition(":")[2].partition(".")[0]
