"""`retinoscope run`: one technique in this process.

Besides `models check` and `models layers`, only this part of the package imports the workers.
"""

import json
import secrets
import sys
from pathlib import Path

import numpy as np
import torch

from catalog.image_set import ImageSetParams
from catalog.model_entry import ModelEntry
from catalog.model_support import check_bands, check_photograph, check_support
from catalog.models import class_labels, find_model
from catalog.named_targets import read_targets
from catalog.parameters import parse_parameters
from catalog.registry import find_technique
from catalog.technique import InputSpec, Params, Technique
from retinoscope.arguments import is_array, place_files, split_arguments
from retinoscope.errors import StackError
from workers.execute import execute
from workers.failures import job_error
from workers.folder_image_set import FolderImageSet
from workers.models.load import load_model
from workers.provenance import provenance
from workers.toolkit.errors import TechniqueError
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.array import Input, read_array
from workers.toolkit.images.decode import decode
from workers.toolkit.images.image_set import ImageSet, LocalImageSet
from workers.toolkit.network.precision import set_tf32
from workers.toolkit.network.vision_model import VisionModel


class _Terminal(LocalContext):
    def wants_preview(self) -> bool:
        return False

    def progress(
        self, done: int, total: int, message: str = "", *, loss: float | None = None
    ) -> None:
        if sys.stderr.isatty():
            print(
                f"\r{message or 'step'} {done}/{total}",
                end="\n" if done == total else "",
                file=sys.stderr,
            )


def run_local(name: str, arguments: list[str], out: Path) -> None:
    """Run a technique; write its files and `result.json` to the folder `out`.

    Raises StackError or CatalogError.
    """
    technique = find_technique(name)
    files, fields = split_arguments(technique, arguments)
    named = {
        image.name: fields.pop(image.name) for image in technique.inputs if image.name in fields
    }
    paths = place_files(technique, files, named, "run")
    params = _params(technique, fields)
    _check_writable(out)
    entry = find_model(params.model)
    inputs = {
        spec.name: _read(spec, entry, Path(paths[spec.name]))
        for spec in technique.inputs
        if spec.name in paths
    }
    params.validate_inputs(inputs.keys())
    recorded = params.model_dump(mode="json")
    origin = {"technique": name, "model": params.model, "params": recorded}
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    set_tf32(False)

    def load(name: str) -> VisionModel:
        return load_model(find_model(name), device)

    context = _Terminal(origin, image_set=_image_set(params), checkpoints=False, load=load)
    try:
        model = load(params.model)
        summary = execute(name, params, model, inputs, context)
    except Exception as error:
        raise StackError(job_error(error).detail) from error
    result = {
        "technique": name,
        "params": recorded,
        "summary": summary.to_json(),
        "provenance": provenance(model, params.seed),
    }
    _write(out, context.files | {"result.json": json.dumps(result, indent=1).encode()})


def _check_writable(out: Path) -> None:
    """Make the folder of the results before the work begins. Raises StackError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StackError(f"Cannot write to {str(out)!r}: {reason}. Name a folder: --out.") from None


def _read(spec: InputSpec, model: ModelEntry, file: Path) -> Input:
    """Read an image or an array. Raises StackError or CatalogError."""
    array = spec.kind == "array" or (spec.bands and is_array(file))
    kind = "array" if array else "image"
    try:
        read = read_array(file.read_bytes()) if array else decode(file.read_bytes())
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise StackError(f"The {kind} {str(file)!r} cannot be read: {reason}.") from None
    except TechniqueError as error:
        raise StackError(f"The {kind} {str(file)!r} cannot be read. {error}") from None
    if spec.kind == "image" and isinstance(read, np.ndarray):
        check_bands(model, spec.name, read.shape)
    elif spec.kind == "image" and spec.bands:
        check_photograph(model, spec.name)
    return read


def _image_set(params: Params) -> ImageSet:
    if not isinstance(params, ImageSetParams):
        return LocalImageSet()
    folder = Path(params.image_set)
    if not folder.is_dir():
        raise StackError(f"--image-set must name a folder of images; {folder} is not a folder.")
    return FolderImageSet(folder)


def _params(technique: Technique, fields: dict[str, str]) -> Params:
    """Return the resolved parameters, with a seed. Raises CatalogError."""
    params = parse_parameters(technique, fields)
    entry = find_model(params.model)
    params = params.resolved(entry)
    check_support(technique, entry)
    params.validate_for(entry, read_targets(params, class_labels(entry), dense=entry.dense))
    if params.seed is None:
        params = params.model_copy(update={"seed": secrets.randbits(32)})
    return params


def _write(out: Path, files: dict[str, bytes]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (out / name).write_bytes(data)
        print(out / name)
