"""The layers that style transfer reads by default, of the models for which good ones are known.

VGG's are those of Gatys et al. 2016: content at relu4_2, style at relu1_1 to relu5_1.
"""

from collections.abc import Mapping

CONTENT, STYLE = (
    "style_transfer.content",
    "style_transfer.style",
)  # of several: style_transfer.style_1, …
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
    """What the model of that name recommends for style transfer; nothing where no layers are known."""
    if (architecture := bare_name(name)) not in _LAYERS:
        return {}
    content, styles = _LAYERS[architecture]
    return {CONTENT: content} | {f"{STYLE}_{number}": path for number, path in enumerate(styles, 1)}


def recommended_layers(recommended: Mapping[str, str], kind: str) -> tuple[str, ...]:
    """The layers of that kind (CONTENT or STYLE) among a model's recommended ones, in order."""
    numbered = {
        key: path for key, path in recommended.items() if key == kind or key.startswith(f"{kind}_")
    }
    return tuple(numbered[key] for key in sorted(numbered, key=lambda key: (len(key), key)))


def bare_name(name: str) -> str:
    """`vgg19` for `timm:vgg19.tv_in1k`: the architecture alone."""
    return name.rpartition(":")[2].partition(".")[0]
