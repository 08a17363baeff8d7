"""The runs of the oracle: every technique of the catalog, with variants, small and seeded."""

from collections.abc import Iterator
from dataclasses import dataclass

SEED = "7"

CAT, CUP, CAMERAMAN = "inputs/chelsea.png", "inputs/coffee.png", "inputs/camera.png"
CELLS, SET = "inputs/ihc.png", "inputs/photographs"
UNIT, MAP_LAYER, VECTOR_LAYER = "blocks.4.0.conv_pw:20", "blocks.2", "global_pool"
PUBLISHED_RATES = {"map": "0.004", "vector": "0.0001"}  # with 0.004 a vector's picture runs away


@dataclass(frozen=True)
class Run:
    """One call of `retinoscope run`; its files go into the folder `name`."""

    name: str
    arguments: tuple[str, ...]

    @property
    def command(self) -> tuple[str, ...]:
        return (*self.arguments, "--seed", SEED, "--out", self.name)


def runs() -> tuple[tuple[Run, ...], ...]:
    """All runs, in rounds: a later round reads files that an earlier one left."""
    techniques = (
        _looking(),
        _gradients(),
        _masks(),
        _ascents(),
        _inversions(),
        _paintings(),
        _sets(),
    )
    first = tuple(Run(name, arguments) for each in techniques for name, arguments in each)
    return first, tuple(Run(name, arguments) for name, arguments in _second_round())


Named = Iterator[tuple[str, tuple[str, ...]]]


def _looking() -> Named:
    yield "predict", ("predict", CAT)
    yield "predict-grey", ("predict", CAMERAMAN, "--top-k", "12")
    yield "embed-vector", ("embed", CUP)
    yield "embed-map", ("embed", CUP, "--layer", "blocks.5")
    yield "filters", ("filters",)
    deep = ("--layer", "blocks.1.0.conv_pw", "--scale", "shared", "--limit", "24", "--slices", "8")
    yield "filters-deep", ("filters", *deep)


def _gradients() -> Named:
    yield "saliency", ("saliency", CAT)
    yield "saliency-check", ("saliency", CUP, "--samples", "4", "--check", "true")
    signed = ("--target", f"{UNIT}@center", "--reduce", "signed")
    yield "saliency-signed", ("saliency", CAT, *signed)
    yield "grad-cam", ("grad_cam", CUP, "--check", "true")
    wide = ("--layer", "blocks.3", "--relu", "false", "--target", "class:285", "--samples", "3")
    yield "grad-cam-layer", ("grad_cam", CAT, *wide)
    yield "guided-backprop", ("guided_backprop", CAT, "--check", "true")
    yield "deconvnet", ("guided_backprop", CUP, "--rule", "deconvnet", "--target", UNIT)
    yield "integrated-gradients", ("integrated_gradients", CUP, "--steps", "16")
    noisy = ("--steps", "6", "--samples", "2", "--baseline", "blur", "--check", "true")
    yield "integrated-gradients-noisy", ("integrated_gradients", CAT, *noisy)


def _masks() -> Named:
    grid = ("--window", "32", "--stride", "16")
    yield "occlusion-incremental", ("occlusion", CAT, *grid, "--check", "true")
    coarse = ("--window", "160", "--stride", "32", "--fill", "blur", "--score", "logit")
    yield "occlusion-dense", ("occlusion", CUP, *coarse, "--aggregate", "sum")
    yield "occlusion-unit", ("occlusion", CUP, "--target", UNIT, "--window", "48", "--stride", "32")
    yield "rise", ("rise", CAT, "--masks", "160")
    logit = ("--masks", "96", "--grid", "5", "--probability", "0.3", "--fill", "blur")
    yield "rise-check", ("rise", CUP, *logit, "--score", "logit", "--check", "true")


def _ascents() -> Named:
    name, small = "activation_maximization", ("--steps", "16", "--size", "160")
    for recipe in ("robust", "lucid", "simonyan", "yosinski"):
        chosen = ("--recipe", recipe, *small)
        yield f"maximization-{recipe}", (name, "--target", "class:espresso", *chosen)
    several = ("--count", "2", "--diversity", "2", "--recipe", "lucid")
    yield "maximization-several", (name, "--target", UNIT, *several, *small)
    paid = ("--start", "image", "--tv", "0.1", "--l2", "0.001", "--alpha-norm", "0.001")
    yield "maximization-from-image", (name, CAT, "--target", "blocks.3", *paid, *small)
    dream = ("--size", "128", "--octaves", "2", "--steps", "3")
    yield "dream", ("deep_dream", CAT, *dream)
    targets = f"blocks.3, {UNIT}*0.5, class:285*-1"
    yield "dream-targets", ("deep_dream", CAT, "--targets", targets, *dream)
    yield "dream-guide", ("deep_dream", CAT, "--guide", CUP, "--targets", "blocks.4", *dream)
    zooming = ("--zoom-frames", "2", "--zoom", "1.1", "--tile", "112", "--octave-scale", "1.6")
    yield "dream-zoom", ("deep_dream", CUP, *dream, *zooming)
    goal = ("--goal", "class:lion", "--steps", "16")
    yield "fooling-l2", ("fooling", CAT, *goal, "--size", "300")
    yield "fooling-linf", ("fooling", CAT, *goal, "--norm", "linf", "--confidence", "0.9")
    rubbish = ("fooling", *goal, "--mode", "rubbish")
    yield "fooling-rubbish", rubbish
    second = ("--transfer-model", "efficientnet_lite0")
    yield "fooling-rubbish-zero", (*rubbish, "--start", "zero", "--confidence", "0.8", *second)


def _inversions() -> Named:
    steps = ("--steps", "12")
    for layer, kind in ((MAP_LAYER, "map"), (VECTOR_LAYER, "vector")):
        yield f"inversion-modern-{kind}", ("inversion", CAT, "--layer", layer, *steps)
        published = ("--recipe", "mahendran_vedaldi", "--rate", PUBLISHED_RATES[kind], *steps)
        yield f"inversion-published-{kind}", ("inversion", CAT, "--layer", layer, *published)
    several = ("--layers", "conv_stem, blocks.4, classifier", "--restarts", "2", "--steps", "6")
    yield "inversion-several", ("inversion", CUP, *several)


def _paintings() -> Named:
    paint, small = ("style_transfer", CAT, CELLS), ("--size", "128", "--steps", "8")
    yield "style", (*paint, *small)
    yield "style-scales", (*paint, "--size", "256", "--steps", "4")
    yield "style-gatys", (*paint, "--recipe", "gatys", *small)
    yield "style-keep-colours", (*paint, "--keep-colours", "true", *small)
    mixed = ("--style-2", CUP, "--style-weights", "1, 0.5", "--optimizer", "adam")
    yield "style-mixed", (*paint, *mixed, "--start", "noise", "--style-scale", "0.5", *small)


def _sets() -> Named:
    patches, channels = (
        ("top_patches", "--image-set", SET),
        ("top_channels", CAT, "--image-set", SET),
    )
    yield "patches", (*patches, "--target", UNIT, "--k", "4", "--guided", "true")
    yield "patches-class", (*patches, "--target", "class:285", "--k", "3")
    effective = ("--crop", "effective", "--k", "3")
    yield "patches-effective", (*patches, "--target", "blocks.2.0.conv_pwl:5", *effective)
    yield "channels", (*channels, "--channels", "4", "--k", "3")
    placed = ("--layer", "blocks.2", "--at", "200,150", "--rank", "absolute", "--channels", "3")
    yield "channels-at", (*channels, *placed, *effective)


def _second_round() -> Named:
    sent = ("embed-map/embedding.npy", "--layer", "blocks.5", "--steps", "8")
    yield "inversion-embedding", ("inversion", *sent)
