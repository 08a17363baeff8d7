"""What a batch has made so far: rows, the files of each, and the shards that hold them."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import chain, islice, takewhile
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from catalog.registry import techniques
from jobs.artifacts import ArtifactStore
from jobs.batch import MANIFEST, MANIFEST_TYPE, SHARD_TYPE, SUMMARY_FILE, BatchRow
from jobs.batch_reader import BatchReader, FileRange
from jobs.errors import NotFound
from jobs.model import Job
from jobs.uploads import digest_of
from service.batch_view import BatchFiles, BatchRows, batch_files
from service.conditional import not_modified, requested_range
from service.dependencies import ExistingBatch, ServicesDep
from service.problems import Problem
from service.routes.artifacts import FILE_HEADERS, FILE_RESPONSES
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
    where, first = _read(services, batch, partial(_find_file, services.files, image, file))
    return _stream(services, batch, request, where, first, _media_type(batch, file), file)


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
    where, first = _read(services, batch, partial(_find_shard, services.files, name))
    return _stream(services, batch, request, where, first, SHARD_TYPE, name)


def _read(services: Services, job: Job, read: Callable[[BatchReader], T]) -> T:
    """Return what a reader returns, of a newer state if the files of the first were replaced."""
    for _ in range(_TRIES - 1):
        with suppress(NotFound):
            return read(BatchReader(services.files, job))
        job = services.jobs.get(job.id, job.owner)
    return read(BatchReader(services.files, job))


def _find_file(
    files: ArtifactStore, image: str, name: str, reader: BatchReader
) -> tuple[FileRange, bytes]:
    """Return where a file lies and its first bytes. Raises Problem or NotFound."""
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
    return where, next(files.chunks(where.key, where.start, where.start + where.bytes), b"")


def _find_shard(files: ArtifactStore, name: str, reader: BatchReader) -> tuple[FileRange, bytes]:
    for part in reader.state.shards:
        if part.shard == name:
            where = FileRange(part.key, 0, part.bytes, name)
            return where, next(files.chunks(part.key, 0, part.bytes), b"")
    names = ", ".join([MANIFEST, *(part.shard for part in reader.state.shards)])
    raise Problem("artifact_not_found", f"The artifacts of this batch so far: {names}.")


def _stream(
    services: Services,
    batch: Job,
    request: Request,
    where: FileRange,
    first: bytes,
    media_type: str,
    name: str,
) -> Response:
    """Return the bytes or a range of them, unless the client has them. `first` was read before."""
    disposition = "inline" if media_type.startswith("image/") else "attachment"
    identity = hashlib.sha256(f"{batch.id}/{where.name}".encode()).hexdigest()
    headers = FILE_HEADERS | {
        "ETag": f'"{identity}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'{disposition}; filename="{name}"',
    }
    unchanged = not_modified(request, headers)
    if unchanged is not None:
        return unchanged
    partial_range = requested_range(request, headers["ETag"], where.bytes)
    start, end = partial_range or (0, where.bytes)
    if partial_range is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{where.bytes}"
        chunks = services.files.chunks(where.key, where.start + start, where.start + end)
    else:
        rest = where.start + len(first)
        chunks = chain([first], services.files.chunks(where.key, rest, where.start + where.bytes))
    headers["Content-Length"] = str(end - start)
    status = 200 if partial_range is None else 206
    return StreamingResponse(chunks, status, headers, media_type)


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
