"""The command line."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from catalog.errors import CatalogError
from catalog.models import find_model, search_classes, search_models
from catalog.models import models as known_models
from catalog.served_names import served_names
from jobs.api_keys import KeyRing
from jobs.errors import KeysUnreadable
from jobs.process import limit_openmp_spinning
from jobs.root_path import checked_root_path
from jobs.settings import settings
from retinoscope.commands import (
    api_command,
    api_environment,
    deliver_command,
    worker_command,
)
from retinoscope.errors import StackError
from retinoscope.job_commands import Key, Label, Url, jobs, read_labels
from retinoscope.key_list import key_lines, key_problems
from retinoscope.list_techniques import describe_technique, list_techniques
from retinoscope.redis_server import free_port
from retinoscope.serve import check_binding
from retinoscope.serve import serve as serve_stack
from retinoscope.stack import Plan
from retinoscope.technique_command import TechniqueCommand
from retinoscope.wording import on_command_line, with_options

app = typer.Typer(help="See what a vision model sees.", no_args_is_help=True, add_completion=False)
keys = typer.Typer(
    help="Manage API keys. Without any, the server accepts local requests only.",
    no_args_is_help=True,
)
app.add_typer(keys, name="keys")
models = typer.Typer(help="List the models, and check custom ones.", no_args_is_help=True)
app.add_typer(models, name="models")
app.add_typer(jobs, name="jobs")

TechniqueName = Annotated[str, typer.Argument(help="Name of the technique.")]
_ANY_PARAMETER = {"allow_extra_args": True, "ignore_unknown_options": True}

Host = Annotated[str, typer.Option(help="Address to listen on.")]
RootPath = Annotated[
    str, typer.Option(help="Path under which a proxy shows the API, such as /retinoscope.")
]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]
DATA = settings().data
ROOT_PATH = settings().root_path
SERVED_NAME = settings().served_name
Data = Annotated[Path, typer.Option(help="Folder for records, images, results and logs.")]


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data: Data = DATA,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Number of workers for all jobs.")
    ] = 1,
    fast_workers: Annotated[
        int,
        typer.Option(
            min=0,
            max=64,
            help="Number of workers for short jobs only, which then never wait for long ones.",
        ),
    ] = 1,
    root_path: RootPath = ROOT_PATH,
) -> None:
    """Run the whole stack on this machine: Redis, workers, API and the sender of webhooks."""
    _use_root_path(root_path)
    known_models()
    served_names()
    serve_stack(Plan(host, port, data, workers, fast_workers))


@app.command()
def api(
    host: Host = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", "--http_port", min=1, max=65535, help="Port to listen on.")
    ] = 8000,
    root_path: RootPath = ROOT_PATH,
    model_name: Annotated[
        str,
        typer.Option(
            "--model_name",
            help="A served name for the model of RETINOSCOPE_SERVED_MODEL (docs/kserve.md).",
        ),
    ] = SERVED_NAME,
    predictor_host: Annotated[
        str, typer.Option("--predictor_host", help="Not used. KServe adds it to an explainer.")
    ] = "",
    workers: Annotated[
        int, typer.Option("--workers", help="Not used. KServe adds it. One process serves all.")
    ] = 1,
) -> None:
    """Run only the API, with the Redis of RETINOSCOPE_REDIS_URL."""
    _use_root_path(root_path)
    os.environ["RETINOSCOPE_SERVED_NAME"] = model_name
    known_models()
    served_names()
    check_binding(Plan(host, port, settings().data))
    command = api_command(host, port)
    environment = os.environ | api_environment()
    os.execve(command[0], command, environment)  # noqa: S606 – the command takes this process over


def _use_root_path(path: str) -> None:
    """Pass the prefix on to the API, which is another program. Raises StackError."""
    try:
        os.environ["RETINOSCOPE_ROOT_PATH"] = checked_root_path(path)
    except ValueError as error:
        raise StackError(f"--root-path: {error}.") from None


@app.command()
def worker(
    queues: Annotated[
        str, typer.Option(help="Queues to take jobs from, in any order.")
    ] = "slow,fast",
    name: Annotated[
        str, typer.Option(help="Name of the worker, unique on its machine.")
    ] = f"worker{os.getpid()}",
) -> None:
    """Run one worker, with the Redis of RETINOSCOPE_REDIS_URL."""
    known_models()
    command = worker_command(name, queues)
    os.execv(command[0], command)  # noqa: S606 – the command takes this process over


@app.command()
def deliver() -> None:
    """Send webhooks, with the Redis of RETINOSCOPE_REDIS_URL."""
    command = deliver_command()
    os.execv(command[0], command)  # noqa: S606 – the command takes this process over


@app.command(cls=TechniqueCommand, context_settings=_ANY_PARAMETER)
def run(
    context: typer.Context,
    technique: TechniqueName,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out"),
) -> None:
    """Run one technique without a server.

    Example: retinoscope run saliency photo.jpg --target class:285 --out pictures
    """
    limit_openmp_spinning()
    from retinoscope.run_local import run_local  # loads torch

    run_local(technique, context.args, out)


@app.command(cls=TechniqueCommand, context_settings=_ANY_PARAMETER)
def submit(
    context: typer.Context,
    technique: TechniqueName,
    wait: Annotated[
        bool, typer.Option(help="Wait for the results, or print the ids of the jobs.")
    ] = True,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out"),
    label: Label = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Run one technique on a running server.

    A technique that takes one image makes a job for each of several.
    Example: retinoscope submit saliency *.jpg --target class:285 --out pictures
    """
    from retinoscope.submit import submit as submit_jobs

    submit_jobs(technique, context.args, (url, key), read_labels(label), out if wait else None)


@app.command("techniques")
def list_them(
    name: Annotated[str, typer.Argument(help="Name of a technique to describe.")] = "",
) -> None:
    """List the techniques, or describe one with its parameters."""
    print(*(describe_technique(name) if name else list_techniques()), sep="\n")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("demo-out"),
) -> None:
    """Run every technique on real photographs, and write an index.html of the results."""
    from retinoscope.demo import run_demo  # loads rich

    sys.exit(0 if run_demo(out, free_port()) else 1)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Owner of the key.")], data: Data = DATA
) -> None:
    """Create a key and print it, once."""
    if not name.replace("-", "").replace("_", "").isalnum() or len(name) > 64:
        raise StackError("The name of an owner has at most 64 letters, digits, - and _.")
    print(_ring(data).create(name))


@keys.command("list")
def list_keys(data: Data = DATA) -> None:
    """List the keys with owners, dates (UTC) and limits; - is no limit, or that of the service."""
    for line in key_lines(_ring(data)):
        print(line)


@keys.command("check")
def check_keys(data: Data = DATA) -> None:
    """Say what is wrong with the key file. The exit status is 1, or 2 if it cannot be read."""
    found = key_problems(_ring(data))
    print(*found or ["The key file is right."], sep="\n")
    sys.exit(bool(found))


@keys.command("revoke")
def revoke_key(key_id: str, data: Data = DATA) -> None:
    """Revoke a key by its id."""
    if not _ring(data).revoke(key_id.rstrip("…")):
        raise StackError(f"There is no key {key_id!r}.")


@keys.command("remove-all")
def remove_all_keys(data: Data = DATA) -> None:
    """Revoke every key, and let this machine use the server without one."""
    _ring(data).remove_all()


def _ring(data: Path) -> KeyRing:
    return KeyRing(settings().model_copy(update={"data": data}).keys_location)


@models.command("list")
def list_models(
    query: Annotated[
        str, typer.Argument(help="Part of a name. timm's models are listed only with it.")
    ] = "",
) -> None:
    """List the models with input size, classes and source."""
    for entry in search_models(query) if query else known_models().values():
        channels, side, _ = entry.input_shape
        print(
            f"{entry.name}  {side} × {side} × {channels}  {entry.classes} classes  {entry.source}"
        )


@models.command("classes")
def list_classes(
    name: Annotated[str, typer.Argument(help="Name of a model.")],
    text: Annotated[str, typer.Argument(help="Part of a label, or an index.")] = "",
) -> None:
    """List the classes of a model, each with its index."""
    for index, label in search_classes(find_model(name), text):
        print(f"{index:6}  {label}")


@models.command("layers")
def list_layers(name: Annotated[str, typer.Argument(help="Name of a model.")]) -> None:
    """List the layers of a model that can be targets, with the shapes of their outputs."""
    entry = find_model(name)
    from retinoscope.list_layers import layer_lines  # loads torch

    print(*layer_lines(entry), sep="\n")


@models.command("check")
def check_models(
    file: Annotated[
        Path, typer.Argument(help="TOML file of custom models; docs/models.md describes it.")
    ],
) -> None:
    """Load each model of a file, run it once, and report what is wrong."""
    from retinoscope.check_models import check_file  # loads torch

    if not check_file(file):
        sys.exit(1)


def main() -> None:
    """Run a command. An expected error is printed as a sentence, without a traceback."""
    try:
        app()
    except KeysUnreadable as error:
        print(
            f"retinoscope: {error} cannot be read; the line above says why. Mend or restore it.",
            file=sys.stderr,
        )
        sys.exit(2)
    except CatalogError as error:
        pointers = [violation.pointer for violation in error.errors]
        print(f"retinoscope: {with_options(error.detail, pointers)}", file=sys.stderr)
        sys.exit(2)
    except StackError as error:
        print(f"retinoscope: {on_command_line(str(error))}", file=sys.stderr)
        sys.exit(2)
