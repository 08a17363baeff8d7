"""What a job leaves: its own numbers, and files."""

import hashlib
import io
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

from retinoscope_client.errors import RetinoscopeError
from retinoscope_client.images import extra
from retinoscope_client.steps import Call, Flow, Request

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

F = TypeVar("F")
P = TypeVar("P")
# The picture that stands for a result in a notebook: the first that there is.
_SHOWN = ("figure.png", "overlay.png", "image.png", "patches.png", "filters.png")


@dataclass(frozen=True)
class File:
    """A file of a result."""

    name: str
    media_type: str
    bytes: bytes = field(repr=False)

    def pil(self) -> "Image":
        """Return a picture as an image of Pillow."""
        return extra("PIL.Image", "pillow").open(io.BytesIO(self.bytes))

    def array(self) -> "np.ndarray[Any, Any]":
        """Return a `.npy` file as an array of NumPy. Pickled objects are refused."""
        return extra("numpy", "numpy").load(io.BytesIO(self.bytes), allow_pickle=False)

    def save(self, folder: str | Path = ".") -> Path:
        """Write the file into a folder, which is made if it is missing. Return its path."""
        if Path(self.name).name != self.name:
            raise RetinoscopeError(f"A file with the name {self.name!r} is not written.")
        path = Path(folder) / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.bytes)
        return path

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        shown = {"text/plain": repr(self)}
        if self.media_type in ("image/png", "image/jpeg"):
            shown[self.media_type] = b64encode(self.bytes).decode()
        return shown


class BaseResult(Generic[F, P]):
    """The result of a job: `summary` and the names of its files."""

    def __init__(self, job: dict[str, Any], path: str, call: Call) -> None:
        """Take a job that has succeeded."""
        self.job, self._path, self._call = job, path, call
        self.summary: dict[str, Any] = job["result"]["summary"]
        self._facts = {each["name"]: each for each in job["result"]["artifacts"]}
        self.names = list(self._facts)
        self._files: dict[str, File] = {}

    def fetch(self, name: str) -> F:
        """Return a file with its bytes, whose digest was checked. Raises KeyError."""
        return self._call(self._fetched(name))

    def save(self, folder: str | Path = ".") -> P:
        """Write all files into a folder. Return their paths."""
        return self._call(self._saved(folder))

    def _fetched(self, name: str) -> Flow[File]:
        if name not in self._facts:
            raise KeyError(f"There is no {name!r}. The files are: {', '.join(self.names)}.")
        if name not in self._files:
            answer = yield Request("GET", f"{self._path}/artifacts/{quote(name, '')}")
            facts = self._facts[name]
            if f"sha256:{hashlib.sha256(answer.body).hexdigest()}" != facts["sha256"]:
                raise RetinoscopeError(f"{name} arrived damaged. Fetch it again.")
            self._files[name] = File(name, facts["media_type"], answer.body)
        return self._files[name]

    def _saved(self, folder: str | Path) -> Flow[list[Path]]:
        paths = []
        for name in self.names:
            # Not kept once it is written: the shards of a batch are gigabytes.
            paths.append(self._files.pop((yield from self._fetched(name)).name).save(folder))
        return paths

    def __repr__(self) -> str:
        return f"<result of {self.job['technique']}: {', '.join(self.names) or self.summary}>"


class Result(BaseResult[File, list[Path]]):
    """The result of a job of a `Client`, which shows itself in a notebook."""

    def __getitem__(self, name: str) -> File:
        """Return a file with its bytes. Raises KeyError."""
        return self.fetch(name)

    @property
    def values(self) -> "np.ndarray[Any, Any]":
        """The raw values of a map: float32, [H, W] at the size that the network sees."""
        return self.fetch("values.npy").array()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        found = [name for name in _SHOWN if name in self.names]
        picture = self.fetch(found[0])._repr_mimebundle_() if found else {}
        return picture | {"text/plain": repr(self)}
