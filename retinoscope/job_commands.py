"""`retinoscope jobs`: the jobs of a running server."""

import json
from pathlib import Path
from typing import Annotated

import typer

from retinoscope.errors import StackError

jobs = typer.Typer(help="List, watch, fetch and delete the jobs of a running server.")

Url = Annotated[
    str | None,
    typer.Option(
        envvar="RETINOSCOPE_URL", help="URL of the server.", show_default="http://127.0.0.1:8000"
    ),
]
Key = Annotated[
    str | None,
    typer.Option(envvar="RETINOSCOPE_KEY", help="API key of the server.", show_default=False),
]
Label = Annotated[
    list[str] | None, typer.Option("--label", help="A label, as name=value. May be repeated.")
]
JobId = Annotated[str, typer.Argument(metavar="ID", help="Id of a job.")]
JobIds = Annotated[list[str], typer.Argument(metavar="ID…", help="Ids of jobs.")]


@jobs.callback(invoke_without_command=True)
def list_by_default(context: typer.Context) -> None:
    """List, watch, fetch and delete the jobs of a running server. Without a command, list them."""
    if context.invoked_subcommand is None:
        list_jobs()


@jobs.command("list")
def list_jobs(
    status: Annotated[
        str | None,
        typer.Option(help="queued, running, succeeded, failed or canceled."),
    ] = None,
    technique: Annotated[str | None, typer.Option(help="Name of a technique.")] = None,
    label: Label = None,
    limit: Annotated[int, typer.Option(min=1, help="Largest number of jobs.")] = 20,
    url: Url = None,
    key: Key = None,
) -> None:
    """List the newest jobs: id, status, technique, model, progress."""
    from retinoscope.server import calling

    with calling(url, key) as client:
        filters = {"status": status, "technique": technique, "labels": read_labels(label)}
        for job in client.jobs(limit=limit, **filters):
            progress = job.data["progress"]
            done = f"{progress['done']}/{progress['total']}" if progress else ""
            columns = f"{job.id}  {job.status:9}  {job.data['technique']:23}"
            print(f"{columns}  {job.data['model']}  {done}".rstrip())


@jobs.command()
def show(job_id: JobId, url: Url = None, key: Key = None) -> None:
    """Print a job as JSON."""
    from retinoscope.server import calling

    with calling(url, key) as client:
        print(json.dumps(client.job(job_id).data, indent=1, ensure_ascii=False))


@jobs.command()
def wait(job_id: JobId, url: Url = None, key: Key = None) -> None:
    """Wait until a job has ended, with a bar. A job that fails fails the command."""
    from retinoscope.server import calling

    with calling(url, key) as client:
        job = client.job(job_id)
        job.wait()
        print(f"{job.id} {job.status}. Its files: retinoscope jobs fetch {job.id}")


@jobs.command()
def fetch(
    job_id: JobId,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out"),
    url: Url = None,
    key: Key = None,
) -> None:
    """Wait for a job, and write its files and result.json into a folder."""
    from retinoscope.server import calling, save

    with calling(url, key) as client:
        save(client.job(job_id).wait(), out)


@jobs.command()
def cancel(job_ids: JobIds, url: Url = None, key: Key = None) -> None:
    """Ask jobs to stop."""
    from retinoscope.server import calling

    with calling(url, key) as client:
        for job_id in job_ids:
            job = client.job(job_id)
            job.cancel()
            print(f"{job.id} {job.status if job.status != 'running' else 'is asked to stop'}")


@jobs.command()
def delete(job_ids: JobIds, url: Url = None, key: Key = None) -> None:
    """Delete jobs with their files."""
    from retinoscope.server import calling

    with calling(url, key) as client:
        for job_id in job_ids:
            client.job(job_id).delete()
            print(f"{job_id} is deleted")


def read_labels(texts: list[str] | None) -> dict[str, str]:
    """Return labels that are written as name=value. Raises StackError."""
    labels = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise StackError(f"A label is written name=value, and {text!r} is not.")
        labels[name] = value
    return labels
