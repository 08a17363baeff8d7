"""Images on their way into an image set: each is checked, stored and reported on separately."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from catalog.errors import Violation
from jobs.errors import NotFound
from jobs.image_sets import Outcome
from service.inputs import store_image
from service.problems import Problem
from service.services import Services
from service.uploads.upload import Upload, UploadedFile
from service.uploads.zips import Budget, Candidate, candidates, printable_name, too_large

_FILES_AT_ONCE = 16
_IDS_AT_ONCE = 500
_MOST_ERRORS = 100
_MOST_SHOWN = 80
_ID = re.compile("sha256:[0-9a-f]{64}")


class Refusal(NamedTuple):
    """Why an image is not in the set: the code and the detail of a problem."""

    code: str
    detail: str


_UNKNOWN = Refusal("unknown_image", "The image is not stored. Upload it with POST /v1/images.")
_FULL = Refusal("image_set_full", "The image set is full. Create another with POST /v1/image-sets.")


class FileOutcome(BaseModel):
    """The outcome of one image that was sent."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    name: str = Field(
        description="Name of the file, its path in the zip file, or the id that was sent."
    )
    status: Literal["added", "already_there", "refused"] = Field(
        description="What became of the image."
    )
    image: str | None = Field(None, description="The id `sha256:…` of the image in the set.")
    code: str | None = Field(
        None, description="Why the image was refused: the `code` of a problem document."
    )
    detail: str | None = Field(None, description="What is wrong with the image, for people.")


class ImageImport:
    """The images of one request, which go into one image set of that owner."""

    def __init__(self, services: Services, owner: str, set_id: str) -> None:
        self.outcomes: list[FileOutcome] = []
        self._services = services
        self._owner = owner
        self._set_id = set_id
        self._full = False

    async def add_files(self, upload: Upload) -> None:
        """Check and store the files, and add them to the set.

        A few files at a time go to a thread, so that the event loop is not blocked and other
        requests have their turn. One file at a time is in memory.
        """
        files = _candidates(upload, self._services)
        while await self._services.intake.run(self._owner, self._add_next, files):
            pass

    async def add_ids(self, ids: Sequence[str]) -> None:
        """Add images that are stored already."""
        for start in range(0, len(ids), _IDS_AT_ONCE):
            some = [
                (image_id[:_MOST_SHOWN], image_id if _ID.fullmatch(image_id) else _UNKNOWN)
                for image_id in ids[start : start + _IDS_AT_ONCE]
            ]
            await run_in_threadpool(self._add, some)

    def raise_if_all_refused(self) -> None:
        """Raise Problem if images were sent and none of them is in the set."""
        if not self.outcomes or any(outcome.status != "refused" for outcome in self.outcomes):
            return
        first = self.outcomes[0]
        reason = f"{first.name}: {first.detail}"
        if len(self.outcomes) == 1:
            raise Problem(first.code or "no_image_added", reason)
        raise Problem(
            "no_image_added",
            f"All {len(self.outcomes):,} images were refused. The first one: {reason}",
            [
                Violation(f"/{number}", f"{outcome.name}: {outcome.code}: {outcome.detail}")
                for number, outcome in enumerate(self.outcomes[:_MOST_ERRORS])
            ],
        )

    def _add_next(self, files: Iterator[Candidate]) -> bool:
        """Store and add the next few files; return False if there are none left."""
        # A zip file is open only while the iterator is at its entries, so each is loaded at once.
        some = [(file.name, self._store(file)) for file in islice(files, _FILES_AT_ONCE)]
        self._add(some)
        return bool(some)

    def _store(self, file: Candidate) -> str | Refusal:
        """Return the id of the stored image, or why it is refused."""
        if self._full:
            return _FULL
        try:
            return store_image(self._services, self._owner, file.load()).id
        except Problem as problem:
            # The problem itself would keep the bytes of the file, by the frames of its traceback.
            return Refusal(problem.code, problem.detail)

    def _add(self, some: Sequence[tuple[str, str | Refusal]]) -> None:
        """Add those that have an id to the set, and note the outcome of each."""
        ids = [image for _, image in some if isinstance(image, str)]
        added: Iterator[Outcome] = iter(())
        if ids:
            try:
                added = iter(self._services.image_sets.add_some(self._owner, self._set_id, ids))
            except NotFound:
                raise Problem(
                    "image_set_not_found",
                    "The image set was deleted, or it expired, during the upload.",
                ) from None
        for name, image in some:
            outcome = _outcome(name, image, added)
            self.outcomes.append(outcome)
            self._full = self._full or outcome.code == "image_set_full"


def _candidates(upload: Upload, services: Services) -> Iterator[Candidate]:
    """Yield every file that may be an image, from zip files too.

    A zip file that cannot be opened yields one candidate that raises the reason.
    """
    settings = services.settings
    budget = Budget.of(settings)
    for file in upload.files:
        name = printable_name(file.name)
        if file.field == "image":
            yield Candidate(name, partial(_load, file, upload, services))
            continue
        try:
            yield from candidates(file, upload.file, budget, settings)
        except Problem as problem:
            yield Candidate(name, partial(_refuse, problem.code, problem.detail))


def _load(file: UploadedFile, upload: Upload, services: Services) -> bytes:
    if file.length > services.settings.max_body_bytes:
        raise too_large(services.settings)
    data = file.open(upload.file).read()
    if data.startswith(b"PK\3\4"):
        raise Problem(
            "not_an_image",
            "The file is a zip file. Send it in the field `zip`: -F zip=@photos.zip.",
        )
    return data


def _refuse(code: str, detail: str) -> bytes:
    raise Problem(code, detail)


def _outcome(name: str, image: str | Refusal, added: Iterator[Outcome]) -> FileOutcome:
    """Return the outcome of one image; one that was stored takes the next of `added`."""
    if isinstance(image, Refusal):
        return _refused(name, image)
    match next(added):
        case "added":
            return FileOutcome(name=name, status="added", image=image)
        case "present":
            return FileOutcome(name=name, status="already_there", image=image)
        case "unknown":
            return _refused(name, _UNKNOWN)
        case "full":
            return _refused(name, _FULL)


def _refused(name: str, refusal: Refusal) -> FileOutcome:
    return FileOutcome(name=name, status="refused", code=refusal.code, detail=refusal.detail)
