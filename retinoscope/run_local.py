"""`retinoscope run`: one technique in this process. The only part of this package that loads the workers."""

import json
import secrets
import sys
from pathlib import Path

import torch
from pydantic import ValidationError

from catalog.models import find_model
from catalog.registry import find_technique
from catalog.technique import Params, Technique
from retinoscope.errors import StackError
from workers.execute import execute
from workers.failures import explain
from workers.models.load import load_model
from workers.provenance import provenance
from workers.toolkit.context import LocalContext
from workers.toolkit.view import decode


class _Terminal(LocalContext):
    def progress(self, done: int, total: int, message: str = "") -> None:
        if sys.stderr.isatty():
            print(f"\r{message or 'step'} {done}/{total}", end="\n" if done == total else "", file=sys.stderr)


def run_local(name: str, image: Path | None, options: list[str], out: Path) -> None:
    """Run it and write its files and `result.json` into `out`. Raises StackError or CatalogError."""
    technique = find_technique(name)
    params = _params(technique, options)
    images = {}
    if technique.images:
        if image is None:
            raise StackError(f"{technique.title} needs an image: retinoscope run {name} photo.jpg")
        images = {technique.images[0].name: decode(image.read_bytes())}
    context = _Terminal({"technique": name, "model": params.model, "params": params.model_dump(mode="json")})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        model = load_model(find_model(params.model), device)
        summary = execute(name, params, model, images, context)
    except Exception as error:
        raise StackError(explain(error).detail) from error
    result = {
        "technique": name,
        "params": params.model_dump(mode="json"),
        "summary": summary.model_dump(exclude_none=True),
        "provenance": provenance(model, params.seed),
    }
    _write(out, context.files | {"result.json": json.dumps(result, indent=1).encode()})


def _params(technique: Technique, options: list[str]) -> Params:
    names, values = options[::2], options[1::2]
    if len(names) != len(values) or not all(name.startswith("--") for name in names):
        raise StackError("Write parameters as --name value.")
    fields = {name[2:].replace("-", "_"): value for name, value in zip(names, values, strict=True)}
    try:
        params = technique.params.model_validate(fields)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()]
        raise StackError("; ".join(lines) + f". Known: {', '.join(sorted(technique.params.model_fields))}.") from None
    params.check(find_model(params.model))
    return params if params.seed is not None else params.model_copy(update={"seed": secrets.randbits(32)})


def _write(out: Path, files: dict[str, bytes]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (out / name).write_bytes(data)
        print(out / name)
