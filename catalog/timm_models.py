"""timm's models with published weights, as `timm:<architecture>` or `timm:<architecture>.<tag>`."""

from functools import lru_cache

from catalog.data_file import data_table
from catalog.model_entry import ModelEntry, Preprocessing
from catalog.style_layers import recommended_style_layers

TIMM = "timm:"

# The columns of the table's preprocessings. Other fields have their defaults.
PREPROCESSING_FIELDS = ("resize", "crop", "interpolation", "mean", "std", "fit")
_IMAGENET = 1000


def timm_model(name: str) -> ModelEntry | None:
    """Return the model of that name, or None.

    Without a tag, the weights are timm's default.
    """
    _, rows, default = _table()
    full = name.removeprefix(TIMM)
    full = default.get(full, full)
    return _entry(name, full) if full in rows else None


def timm_names() -> list[str]:
    """Return `timm:<architecture>` of all models, in timm's order.

    Names with a tag are known but not listed.
    """
    return [TIMM + architecture for architecture in _table()[2]]


def _entry(name: str, full: str) -> ModelEntry:
    preprocessings, rows, _ = _table()
    classes, row = rows[full]
    return ModelEntry(
        name=name,
        source=f"timm {full}",
        builder="timm",
        weights=full,
        classes=classes,
        labels="imagenet" if classes == _IMAGENET else "",
        preprocessing=Preprocessing(
            **dict(zip(PREPROCESSING_FIELDS, preprocessings[row], strict=True))
        ),
        recommended=recommended_style_layers(name),
    )


@lru_cache(maxsize=1)
def _table() -> tuple[list[list[object]], dict[str, tuple[int, int]], dict[str, str]]:
    """Return the preprocessings, (classes, index of the preprocessing) by name, and default names.

    A name is `architecture.tag`; the default is that of each architecture.
    """
    table = data_table("timm.json")
    rows: dict[str, tuple[int, int]] = {
        full: (classes, row) for full, (classes, row) in table["models"].items()
    }
    default: dict[str, str] = {}
    for full in rows:
        default.setdefault(full.partition(".")[0], full)
    return table["preprocessings"], rows, default
