"""Large bodies, forms and zip files, written to one temporary file as they arrive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryFile

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from service.uploads.form_parser import FormLimits, FormParser
from service.uploads.upload import Upload, UploadedFile

ZIP_TYPES = frozenset({"application/zip", "application/x-zip-compressed", "application/x-zip"})
_FILE_FIELDS = ("image", "zip")
# Each may hold one id.
_MAX_TEXTS = 10_000


def media_type(request: Request) -> str:
    """Return the media type of the body in lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


@asynccontextmanager
async def receive(request: Request, max_files: int) -> AsyncIterator[Upload]:
    """Yield the body, a form or a zip file; the temporary file lives as long as the block.

    Raises Problem.
    """
    with TemporaryFile(prefix="retinoscope-") as file:
        upload = Upload(file)
        if media_type(request) in ZIP_TYPES:
            await _receive_zip(request, upload)
        else:
            form = FormParser(request, upload, FormLimits(max_files, _MAX_TEXTS), _FILE_FIELDS)
            async for chunk in request.stream():
                await run_in_threadpool(form.write, chunk)
            form.finish()
        await run_in_threadpool(file.flush)
        yield upload


async def _receive_zip(request: Request, upload: Upload) -> None:
    whole = UploadedFile("zip", "zip", 0)
    async for chunk in request.stream():
        await run_in_threadpool(upload.file.write, chunk)
        whole.length += len(chunk)
    if whole.length:
        upload.files.append(whole)
