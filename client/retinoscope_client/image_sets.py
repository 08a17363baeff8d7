"""Image sets: many images under one id, made of a folder or of any images."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retinoscope_client.errors import APIError, RetinoscopeError
from retinoscope_client.images import stored
from retinoscope_client.steps import Flow, Request, post_json

# Ids that are added by one request.
_IDS = 1000


@dataclass
class ImageSet:
    """An image set of the server, with what became of the files that were added here."""

    id: str
    images: int
    # Names of the files by the ids of their images, and why others were not taken by their names.
    names: dict[str, str] = field(default_factory=dict, repr=False)
    refused: dict[str, str] = field(default_factory=dict)


def image_set(images: str | Path | Iterable[Any], name: str) -> Flow[ImageSet]:
    """Make an image set. Images that the server has are not uploaded. Raises RetinoscopeError."""
    made = ImageSet("", 0)
    for name_of_file, image in _named(images):
        try:
            made.names[(yield from stored(image))] = name_of_file
        except APIError as error:
            if error.status != 422:
                raise
            made.refused[name_of_file] = error.detail
    if not made.names:
        raise RetinoscopeError(f"There is no image for the set. {str(made.refused)[:1000]}")
    made.id = (yield post_json("/v1/image-sets", {"name": name})).json()["id"]
    path, ids = f"/v1/image-sets/{made.id}", list(made.names)
    for start in range(0, len(ids), _IDS):
        yield post_json(f"{path}/images", {"ids": ids[start : start + _IDS]})
    made.images = (yield Request("GET", path)).json()["images"]
    return made


def _named(images: str | Path | Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Yield names and images: of a folder, the files whose names do not begin with a dot."""
    if isinstance(images, str | Path):
        if not Path(images).is_dir():
            raise RetinoscopeError(f"There is no folder {str(images)!r}. Pass one, or a list.")
        images = sorted(path for path in Path(images).rglob("[!.]*") if path.is_file())
    for number, image in enumerate(images):
        yield (str(image) if isinstance(image, str | Path) else f"image-{number}"), image
