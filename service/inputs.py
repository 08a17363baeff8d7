"""The images and arrays of a job: files that were sent are stored, ids are looked up."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from catalog.checks import check_array
from catalog.errors import InvalidParameters, Violation
from catalog.model_description import ModelDescription
from catalog.model_entry import ModelEntry
from catalog.model_support import check_bands, check_photograph
from catalog.technique import InputSpec, Params, Technique
from jobs.errors import NotFound
from jobs.model import Input, InputArray, InputImage
from jobs.uploads import ArrayStore, ImageStore, StoredArray, StoredImage
from service.problems import Problem
from service.services import Services
from service.uploads.array_validation import MAGIC, validate_array
from service.uploads.image_validation import validate_image

# How much of a text that a client sent is repeated in an error.
_MOST_SHOWN = 80


def check_names(technique: Technique, sent: Mapping[str, bytes | str]) -> None:
    """Check that the technique takes the inputs that were sent, and that none is missing.

    Raises Problem or InvalidParameters.
    """
    wanted = [spec.name for spec in technique.inputs]
    unknown = [name[:_MOST_SHOWN] for name in sent if name not in wanted]
    _check_required(technique, sent, unknown)
    _check_one_of(technique, sent)
    if unknown:
        takes = ", ".join(map(repr, wanted)) or "none"
        raise InvalidParameters(
            f"{technique.title} does not accept the input {unknown[0]!r}. It accepts: {takes}.",
            [Violation(f"/{unknown[0]}", "not an input of this technique")],
        )


def store_inputs(
    services: Services,
    owner: str,
    technique: Technique,
    model: ModelEntry,
    sent: Mapping[str, bytes | str],
) -> dict[str, Input]:
    """Store the inputs; return what the job's record says of each.

    Raises Problem, WrongChannels or WrongShape.
    """
    return {
        spec.name: _store(services, owner, spec, model, sent[spec.name])
        for spec in technique.inputs
        if spec.name in sent
    }


def check_arrays(
    params: Params, inputs: Mapping[str, Input], description: ModelDescription
) -> None:
    """Check each array against the layer whose output it stands in for.

    Raises WrongShape or InvalidParameters.
    """
    for name, stored in inputs.items():
        if isinstance(stored, InputArray):
            check_array(params, name, stored.shape, description)


def check_images(
    params: Params, model: ModelEntry, inputs: Mapping[str, Input], description: ModelDescription
) -> None:
    """Check the sizes of the images against those that the model's layers take. Raises OneSize."""
    sizes = {
        name: (stored.width, stored.height)
        for name, stored in inputs.items()
        if isinstance(stored, InputImage)
    }
    params.validate_images(model, sizes, description)


def store_image(services: Services, owner: str, data: bytes) -> StoredImage:
    """Check an uploaded image and store it. Raises Problem."""
    if not data:
        raise Problem("image_missing", "The image is empty. With curl, use -F image=@photo.jpg.")
    facts = validate_image(data, services.settings, partial(services.intake.holding, owner))
    return services.images.put(owner, data, facts)


def _check_required(
    technique: Technique, sent: Mapping[str, bytes | str], unknown: list[str]
) -> None:
    missing = [spec for spec in technique.inputs if spec.required and spec.name not in sent]
    if missing:
        name = missing[0].name
        instead = f" It does not accept {unknown[0]!r}." if unknown else ""
        raise Problem(
            "image_missing",
            f"{technique.title} needs the input {name!r}.{instead} With curl: {_curl(missing[0])}.",
            [Violation(f"/{name}", "missing")],
        )


def _check_one_of(technique: Technique, sent: Mapping[str, bytes | str]) -> None:
    choices = [spec for spec in technique.inputs if spec.name in technique.one_of]
    given = [spec.name for spec in choices if spec.name in sent]
    if not choices or len(given) == 1:
        return
    ways = " or ".join(map(_curl, choices))
    if not given:
        raise Problem(
            "input_missing",
            f"{technique.title} needs one input. With curl: {ways}.",
            [Violation(f"/{choices[0].name}", "missing")],
        )
    message = f"Send one of {' and '.join(given)}, not both: {ways}."
    raise InvalidParameters(message, [Violation(f"/{given[1]}", message)])


def _store(
    services: Services, owner: str, spec: InputSpec, model: ModelEntry, value: bytes | str
) -> Input:
    if spec.kind == "array" or (spec.bands and _is_bands(services, owner, model, value)):
        array = _store_array(services, owner, spec.name, value)
        if spec.bands:
            check_bands(model, spec.name, array.shape)
        return InputArray.model_validate(array.model_dump())
    if spec.bands:
        check_photograph(model, spec.name)
    image = _store_image(services, owner, spec.name, value)
    return InputImage.model_validate(image.model_dump())


def _is_bands(services: Services, owner: str, model: ModelEntry, value: bytes | str) -> bool:
    """Return whether what was sent as an image is an array of the model's own channels."""
    if isinstance(value, bytes):
        return value.startswith(MAGIC)
    if _is_stored(services.images, owner, value):
        return False
    return not model.preprocessing.takes_photographs or _is_stored(services.arrays, owner, value)


def _is_stored(store: ImageStore | ArrayStore, owner: str, file_id: str) -> bool:
    try:
        store.use(owner, file_id)
    except NotFound:
        return False
    return True


def _store_image(services: Services, owner: str, name: str, value: bytes | str) -> StoredImage:
    if isinstance(value, bytes):
        with _pointing_to(name):
            return store_image(services, owner, value)
    try:
        return services.images.use(owner, value)
    except NotFound:
        guess = "" if value.startswith("sha256:") else " Was the @ before the file name forgotten?"
        raise Problem(
            "unknown_image",
            f"{value[:_MOST_SHOWN]!r} is not a stored image.{guess} "
            f"Upload it with -F {name}=@photo.jpg or with POST /v1/images.",
            [Violation(f"/{name}", "not stored")],
        ) from None


def _store_array(services: Services, owner: str, name: str, value: bytes | str) -> StoredArray:
    if isinstance(value, bytes):
        with _pointing_to(name):
            return services.arrays.put(owner, value, validate_array(value, services.settings))
    try:
        return services.arrays.use(owner, value)
    except NotFound:
        raise Problem(
            "unknown_array",
            f"{value[:_MOST_SHOWN]!r} is not a stored array. "
            f"Upload it with -F {name}=@features.npy.",
            [Violation(f"/{name}", "not stored")],
        ) from None


@contextmanager
def _pointing_to(name: str) -> Iterator[None]:
    """Make a problem of the block point to the input of that name."""
    try:
        yield
    except Problem as problem:
        raise Problem(
            problem.code, problem.detail, [Violation(f"/{name}", problem.detail)]
        ) from None


def _curl(spec: InputSpec) -> str:
    file = "features.npy" if spec.kind == "array" else "photo.jpg"
    return f"-F {spec.name}=@{file}"
