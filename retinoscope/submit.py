"""`retinoscope submit`: jobs on a running server, for one image or for each of several."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalog.registry import find_technique
from catalog.technique import Technique
from retinoscope.arguments import place_files, split_arguments
from retinoscope.errors import StackError
from retinoscope.server import calling, save
from retinoscope.wording import on_command_line
from retinoscope_client import APIError, Client, Job, JobFailed


def submit(
    name: str,
    arguments: list[str],
    server: tuple[str | None, str | None],
    labels: Mapping[str, str],
    out: Path | None,
) -> None:
    """Create the jobs. With `out`, wait for them and write their files.

    Otherwise their ids are printed. Raises StackError or CatalogError.
    """
    technique = find_technique(name)
    files, fields = split_arguments(technique, arguments, server=True)
    named = {spec.name: fields.pop(spec.name) for spec in technique.inputs if spec.name in fields}
    with calling(*server) as client:
        options: dict[str, Any] = {**fields, **_image_set(client, fields)}
        if labels:
            options["labels"] = dict(labels)
        several = _by_folder(technique, files, named)
        jobs: dict[str, Job] = {}
        failed: list[StackError] = []
        for folder, paths in several.items():
            try:
                jobs[folder] = _create(client, name, paths, options)
            except StackError as error:
                _report(error, failed, len(several))
        if out is None:
            print(*(job.id for job in jobs.values()), sep="\n")
        for folder, job in jobs.items() if out else ():
            try:
                save(job.wait(), Path(out or ".") / folder)
            except JobFailed as error:
                _report(StackError(f"{folder} {error}".strip()), failed, len(several))
    if failed:
        raise StackError(f"{len(failed)} of {len(several)} jobs failed.")


def _create(client: Client, name: str, paths: Mapping[str, str], options: dict[str, Any]) -> Job:
    """Create a job. Raises StackError, with the file if the server refuses an image."""
    try:
        return client.submit(name, **paths, **options)
    except APIError as error:
        if "image" in error.code and not error.errors:
            raise StackError(f"{', '.join(paths.values())}: {error.detail}") from None
        raise


def _report(error: StackError, failed: list[StackError], jobs: int) -> None:
    """Print an error of one of several jobs, and go on. Raises that of a single one."""
    if jobs == 1:
        raise error
    print(f"retinoscope: {on_command_line(str(error))}", file=sys.stderr)
    failed.append(error)


def _by_folder(
    technique: Technique, files: Sequence[str], named: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Return the inputs of each job by the folder of its results, below that of the command.

    A technique that takes one file has a job for each of several.
    """
    single = len(technique.inputs) == 1 or len(technique.inputs) == len(technique.one_of)
    if not (single and len(files) > 1 and not named):
        return {"": place_files(technique, files, named, "submit")}
    stems = [Path(file).stem for file in files]
    unique = len(set(stems)) == len(stems)
    folders = stems if unique else [f"{n}-{stem}" for n, stem in enumerate(stems, 1)]
    return {
        folder: place_files(technique, [file], named, "submit")
        for folder, file in zip(folders, files, strict=True)
    }


def _image_set(client: Client, fields: Mapping[str, str]) -> dict[str, str]:
    """Make an image set of the folder that is named, and say which files are no images."""
    folder = fields.get("image_set", "")
    if not folder or not Path(folder).is_dir():
        return {}  # the id of a set
    made = client.image_set(folder, name=Path(folder).name)
    for file, reason in made.refused.items():
        print(f"Left out {file}: {reason}", file=sys.stderr)
    print(f"Image set {made.id}: {made.images} images", file=sys.stderr)
    return {"image_set": made.id}
