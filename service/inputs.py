"""The images and arrays of a job: those that were sent are checked and stored, those that are referred to are found."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from catalog.errors import InvalidParameters, Violation
from catalog.technique import InputSpec, Technique
from jobs.errors import NotFound
from jobs.model import Input, InputArray, InputImage
from jobs.uploads import StoredArray, StoredImage
from service.problems import Problem
from service.services import Services
from service.uploads.array_validation import validate_array
from service.uploads.image_validation import validate_image

Sent = Mapping[str, bytes | str]


def check_names(technique: Technique, sent: Sent) -> None:
    """Is what was sent what the technique takes? Raises Problem or InvalidParameters."""
    wanted = [image.name for image in technique.inputs]
    extra = [name for name in sent if name not in wanted]
    _check_required(technique, sent, extra)
    _check_one_of(technique, sent)
    if extra:
        takes = ", ".join(map(repr, wanted)) or "none"
        raise InvalidParameters(
            f"{technique.title} takes no image {extra[0][:80]!r}; it takes {takes}.",
            [Violation(f"/{extra[0][:80]}", "not an image of this technique")],
        )


def store_inputs(
    services: Services, owner: str, technique: Technique, sent: Sent
) -> dict[str, Input]:
    """What a job's record says of its inputs; their bytes are stored. Raises Problem."""
    return {
        image.name: _stored(services, owner, image, sent[image.name])
        for image in technique.inputs
        if image.name in sent
    }


def store_image(services: Services, owner: str, data: bytes) -> StoredImage:
    """Check an upload and keep it. Raises Problem."""
    if not data:
        raise Problem("image_missing", "The image is empty. With curl, use -F image=@photo.jpg.")
    return services.images.put(owner, data, validate_image(data, services.settings))


def _check_required(technique: Technique, sent: Sent, extra: list[str]) -> None:
    if missing := [
        image for image in technique.inputs if image.required and image.name not in sent
    ]:
        name = missing[0].name
        instead = f", and takes no {extra[0][:80]!r}" if extra else ""
        detail = f"{technique.title} needs the image {name!r}{instead}. With curl: -F {name}={_file(missing[0])}."
        raise Problem("image_missing", detail, [Violation(f"/{name}", "missing")])


def _check_one_of(technique: Technique, sent: Sent) -> None:
    choices = [image for image in technique.inputs if image.name in technique.one_of]
    given = [image.name for image in choices if image.name in sent]
    if not choices or len(given) == 1:
        return
    ways = " or ".join(f"-F {image.name}={_file(image)}" for image in choices)
    if not given:
        violations = [Violation(f"/{choices[0].name}", "missing")]
        raise Problem(
            "input_missing", f"{technique.title} needs one input. With curl: {ways}.", violations
        )
    message = f"Send one of {' and '.join(given)}, not both: {ways}."
    raise InvalidParameters(message, [Violation(f"/{given[1]}", message)])


def _stored(services: Services, owner: str, image: InputSpec, value: bytes | str) -> Input:
    if image.kind == "array":
        return InputArray.model_validate(_array(services, owner, image.name, value).model_dump())
    return InputImage.model_validate(_image(services, owner, image.name, value).model_dump())


def _image(services: Services, owner: str, name: str, value: bytes | str) -> StoredImage:
    if isinstance(value, bytes):
        with _refusals_at(name):
            return store_image(services, owner, value)
    try:
        return services.images.use(owner, value)
    except NotFound:
        forgotten = (
            "" if value.startswith("sha256:") else " Was the @ before a file's name forgotten?"
        )
        way = f"Upload it with -F {name}=@photo.jpg, or by POST /v1/images."
        detail = f"{value[:80]!r} is not a stored image.{forgotten} {way}"
        raise Problem("unknown_image", detail, [Violation(f"/{name}", "not stored")]) from None


def _array(services: Services, owner: str, name: str, value: bytes | str) -> StoredArray:
    if isinstance(value, bytes):
        with _refusals_at(name):
            return services.arrays.put(owner, value, validate_array(value, services.settings))
    try:
        return services.arrays.use(owner, value)
    except NotFound:
        detail = f"{value[:80]!r} is not a stored array. Upload it with -F {name}=@features.npy."
        raise Problem("unknown_array", detail, [Violation(f"/{name}", "not stored")]) from None


@contextmanager
def _refusals_at(name: str) -> Iterator[None]:
    """They point to the input."""
    try:
        yield
    except Problem as problem:
        raise Problem(
            problem.code, problem.detail, [Violation(f"/{name}", problem.detail)]
        ) from None


def _file(image: InputSpec) -> str:
    return "@features.npy" if image.kind == "array" else "@photo.jpg"
