"""Puts what a client sent into an image set, one image after the other, and says what became of each."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from catalog.errors import Violation
from jobs.errors import NotFound
from jobs.image_sets import Outcome
from service.inputs import store_image
from service.problems import Problem
from service.services import Services
from service.uploads.streaming import Upload, UploadedFile
from service.uploads.zips import Budget, Candidate, candidates, shown, too_large

_IMAGES_AT_ONCE = 16
_IDS_AT_ONCE = 500
_MOST_ERRORS = 100
_ID = re.compile("sha256:[0-9a-f]{64}")


class FileOutcome(BaseModel):
    """What became of one image that was sent."""

    name: str = Field(
        description="The file's name, its path in the zip file, or the id that was sent."
    )
    status: Literal["added", "already_there", "refused"]
    image: str | None = Field(None, description="sha256:… of the image in the set.")
    code: str | None = Field(None, description="Why it was refused, as in a problem document.")
    detail: str | None = Field(None, description="What is wrong with it, for people.")


class Intake:
    """One request's images on their way into a set of that owner."""

    def __init__(self, services: Services, owner: str, set_id: str) -> None:
        self.outcomes: list[FileOutcome] = []
        self._services = services
        self._owner = owner
        self._set_id = set_id
        self._full = False

    async def take_files(self, upload: Upload) -> None:
        """Check, store and add the files. A few at a time: neither the event loop nor the memory is filled."""
        found = _found(upload, self._services)
        while await run_in_threadpool(self._take_some, found):
            pass

    async def take_ids(self, ids: Sequence[str]) -> None:
        """Add images that are stored."""
        for start in range(0, len(ids), _IDS_AT_ONCE):
            some = ids[start : start + _IDS_AT_ONCE]
            await run_in_threadpool(
                self._add, [(image_id[:80], _well_formed(image_id)) for image_id in some]
            )

    def check(self) -> None:
        """Raises Problem if something was sent, and nothing of it is in the set."""
        if not self.outcomes or any(outcome.status != "refused" for outcome in self.outcomes):
            return
        first = self.outcomes[0]
        said = f"{first.name}: {first.detail}"
        if len(self.outcomes) == 1:
            raise Problem(first.code or "no_image_added", said)
        raise Problem(
            "no_image_added",
            f"All {len(self.outcomes):,} were refused. The first: {said}",
            [
                Violation(f"/{number}", f"{outcome.name}: {outcome.code}: {outcome.detail}")
                for number, outcome in enumerate(self.outcomes[:_MOST_ERRORS])
            ],
        )

    def _take_some(self, found: Iterator[Candidate]) -> bool:
        some = [
            (candidate.name, self._stored(candidate))
            for candidate in islice(found, _IMAGES_AT_ONCE)
        ]
        self._add(some)
        return bool(some)

    def _stored(self, candidate: Candidate) -> str | Problem:
        if self._full:
            return _FULL
        try:
            return store_image(self._services, self._owner, candidate.load()).id
        except Problem as problem:
            return problem

    def _add(self, some: Sequence[tuple[str, str | Problem]]) -> None:
        ids = [image for _, image in some if isinstance(image, str)]
        try:
            words = iter(
                self._services.image_sets.add_some(self._owner, self._set_id, ids) if ids else []
            )
        except NotFound:
            raise Problem(
                "image_set_not_found", "It was deleted, or has expired, while images came."
            ) from None
        for name, image in some:
            self.outcomes.append(
                _refused(name, image)
                if isinstance(image, Problem)
                else _told(name, image, next(words))
            )
        self._full = self._full or any(
            outcome.code == "image_set_full" for outcome in self.outcomes[-len(some) :]
        )


def _found(upload: Upload, services: Services) -> Iterator[Candidate]:
    """All that may be an image, zip files opened on the way; one that cannot be opened stands for itself."""
    budget = Budget.of(services.settings)
    for sent in upload.files:
        if sent.field == "image":
            yield Candidate(shown(sent.name), lambda sent=sent: _bytes(sent, upload, services))  # type: ignore[misc]
            continue
        try:
            yield from candidates(sent, upload.file, budget, services.settings)
        except Problem as problem:
            yield Candidate(shown(sent.name), lambda problem=problem: _raise(problem))  # type: ignore[misc]


def _bytes(sent: UploadedFile, upload: Upload, services: Services) -> bytes:
    if sent.length > services.settings.max_body_bytes:
        raise too_large(services.settings)
    data = sent.open(upload.file).read()
    if data.startswith(b"PK\3\4"):
        raise Problem(
            "not_an_image", "It is a zip file. Send it in the field `zip`: -F zip=@photos.zip."
        )
    return data


def _raise(problem: Problem) -> bytes:
    raise problem


def _well_formed(image_id: str) -> str | Problem:
    return image_id if _ID.fullmatch(image_id) else _UNKNOWN


def _told(name: str, image: str, word: Outcome) -> FileOutcome:
    match word:
        case "added":
            return FileOutcome(name=name, status="added", image=image)
        case "present":
            return FileOutcome(name=name, status="already_there", image=image)
        case "unknown":
            return _refused(name, _UNKNOWN)
        case "full":
            return _refused(name, _FULL)


def _refused(name: str, problem: Problem) -> FileOutcome:
    return FileOutcome(name=name, status="refused", code=problem.code, detail=problem.detail)


_UNKNOWN = Problem("unknown_image", "It is not a stored image. Upload it: POST /v1/images.")
_FULL = Problem(
    "image_set_full", "The set holds as much as it may. Make another: POST /v1/image-sets."
)
