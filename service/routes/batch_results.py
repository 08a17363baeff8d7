"""What a batch has made so far: rows, the files of each, and the shards that hold them."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import islice, takewhile
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from catalog.registry import techniques
from jobs.batch import MANIFEST, MANIFEST_TYPE, SHARD_TYPE, SUMMARY_FILE, BatchRow
from jobs.batch_reader import BatchReader, FileRange
from jobs.errors import NotFound
from jobs.model import Job
from jobs.uploads import digest_of
from service.batch_view import BatchFiles, BatchRows, batch_files
from service.dependencies import ExistingBatch, ServicesDep
from service.file_response import FILE_HEADERS, FILE_RESPONSES, ServedFile, file_response
from service.problems import Problem
from service.services import Services

router = APIRouter(prefix="/v1/batches", tags=["batches"])

T = TypeVar("T")

# How often a newer state is read because the files of an earlier one were replaced meanwhile.
_TRIES = 5
# Rows that one page looks at.
_ROWS_COMPARED = 10_000
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in (MANIFEST_TYPE, SHARD_TYPE)
        },
    },
    206: FILE_RESPONSES[206],
    304: FILE_RESPONSES[304],
}


@router.get(
    "/{batch_id}/results",
    operation_id="list_batch_results",
    summary="Read the rows of a batch, in the order of the set",
)
def list_results(
    batch: ExistingBatch,
    services: ServicesDep,
    status: Literal["succeeded", "failed"] | None = None,
    cursor: Annotated[
        str, Query(pattern="^[0-9]{1,9}$", description="Number of the first row.")
    ] = "0",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> BatchRows:
    """Return rows that are kept, also while the batch runs and after it was canceled."""

    start = int(cursor)

    def read(reader: BatchReader) -> tuple[list[BatchRow], int]:
        compared = takewhile(lambda row: row.index < start + _ROWS_COMPARED, reader.rows(start))
        wanted = (row for row in compared if status in (None, row.status))
        return list(islice(wanted, limit + 1)), reader.state.position

    rows, position = _read(services, batch, read)
    following: int | None = None
    if len(rows) > limit:
        following = rows[limit].index
    elif position > start + _ROWS_COMPARED:
        following = start + _ROWS_COMPARED
    elif not batch.status.final:
        following = max(position, start)
    return BatchRows(items=rows[:limit], next_cursor=None if following is None else str(following))


@router.get(
    "/{batch_id}/items/{image}/{file}",
    operation_id="get_batch_item",
    summary="Download a file of one image",
    response_class=StreamingResponse,
    responses=FILE_RESPONSES,
)
def get_item(
    image: str, file: str, batch: ExistingBatch, request: Request, services: ServicesDep
) -> Response:
    """Return an artifact of an image, or its numbers (`json`), read out of the shard."""

    def read(reader: BatchReader) -> Response:
        return file_response(request, services.files, _row_file(image, file, batch, reader))

    return _read(services, batch, read)


@router.get(
    "/{batch_id}/artifacts",
    operation_id="list_batch_artifacts",
    summary="List the manifest and the complete shards of a batch",
)
def list_artifacts(batch: ExistingBatch, services: ServicesDep) -> BatchFiles:
    return _read(services, batch, partial(batch_files, batch))


@router.get(
    "/{batch_id}/artifacts/{name}",
    operation_id="get_batch_artifact",
    summary="Download the manifest or a shard of a batch",
    response_class=StreamingResponse,
    responses=_FILES,
)
def get_artifact(
    name: str, batch: ExistingBatch, request: Request, services: ServicesDep
) -> Response:
    """Return `manifest.jsonl` as it is now, or a shard that is complete."""
    if name == MANIFEST:
        data = _read(services, batch, lambda reader: b"".join(reader.manifest()))
        headers = {**FILE_HEADERS, "Cache-Control": "no-store"}
        return Response(data, 200, headers, MANIFEST_TYPE)

    def read(reader: BatchReader) -> Response:
        return file_response(request, services.files, _shard(name, batch, reader))

    return _read(services, batch, read)


def _read(services: Services, job: Job, read: Callable[[BatchReader], T]) -> T:
    """Return what a reader returns, of a newer state if the files of the first were replaced."""
    for _ in range(_TRIES - 1):
        with suppress(NotFound):
            return read(BatchReader(services.files, job))
        job = services.jobs.get(job.id, job.owner)
    return read(BatchReader(services.files, job))


def _row_file(image: str, name: str, batch: Job, reader: BatchReader) -> ServedFile:
    """Return a file of an image. Raises Problem or NotFound."""
    row = reader.find(image) if _is_id(image) else None
    if row is None:
        raise Problem(
            "row_not_found",
            f"{image[:80]!r} is no image of this batch, or its row is not done yet. "
            "GET /v1/batches/{batch_id}/results lists the rows.",
        )
    where = reader.file(row, name)
    if where is None:
        reason = f"the row failed: {row.error.code}" if row.error else ", ".join(row.files)
        raise Problem("artifact_not_found", f"The files of this row: {reason}.")
    return _served(batch, where, name, _media_type(batch, name))


def _shard(name: str, batch: Job, reader: BatchReader) -> ServedFile:
    """Return a complete shard. Raises Problem."""
    for part in reader.state.shards:
        if part.shard == name:
            return _served(batch, FileRange(part.key, 0, part.bytes, name), name, SHARD_TYPE)
    names = ", ".join([MANIFEST, *(part.shard for part in reader.state.shards)])
    raise Problem("artifact_not_found", f"The artifacts of this batch so far: {names}.")


def _served(batch: Job, where: FileRange, name: str, media_type: str) -> ServedFile:
    identity = hashlib.sha256(f"{batch.id}/{where.name}".encode()).hexdigest()
    return ServedFile(name, media_type, identity, where.key, where.start, where.bytes)


def _media_type(batch: Job, file: str) -> str:
    if file == SUMMARY_FILE:
        return "application/json"
    technique = techniques().get(str(batch.params["technique"]))
    specs = technique.artifacts if technique else ()
    kinds = {spec.name: spec.media_type for spec in specs}
    return kinds.get(file, "application/octet-stream")


def _is_id(image: str) -> bool:
    try:
        return image == f"sha256:{digest_of(image)}"
    except NotFound:
        return False
