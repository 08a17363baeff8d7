"""From what a client sent to a job that waits. Whatever can be refused is refused here, before anything is queued."""

import secrets
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from catalog.errors import InvalidParameters, Violation, near_matches
from catalog.image_set import ImageSetParams, index_name
from catalog.models import ModelDescription, find_model
from catalog.named_targets import check_named
from catalog.targets import Target
from catalog.technique import Params, Technique
from jobs.errors import NotFound
from jobs.images import StoredImage
from jobs.model import InputImage, Job
from jobs.queue import publish
from jobs.store import NewJob
from service.forms import Sent
from service.photographs import examine
from service.problems import Problem, invalid
from service.publishing import tolerant
from service.services import Services

_SEED_BITS = 32


def read_params(technique: Technique, fields: dict[str, Any]) -> Params:
    """Typed parameters, defaults and seed included. Raises Problem or CatalogError."""
    try:
        params = technique.params.model_validate(fields)
    except ValidationError as error:
        raise _unknown_or_invalid(technique, error) from None
    entry = find_model(params.model)
    params = params.resolved(entry)
    params.check_model(entry)
    if params.seed is None:
        params = params.model_copy(update={"seed": secrets.randbits(_SEED_BITS)})
    return params


def submit(
    services: Services,
    owner: str,
    technique: Technique,
    params: Params,
    targets: Sequence[Target],
    known: ModelDescription | None,
    sent: Sent,
) -> Job:
    """Store the images, write the record, tell the workers. Raises Problem, CatalogError or QueueFull."""
    if known is not None:
        check_named(params, targets, known)
    queue = _queue(services, owner, technique, params, known)
    inputs = _store_images(services, owner, technique, sent.images)
    new = NewJob(
        owner=owner,
        technique=technique.name,
        model=params.model,
        queue=queue,
        params=params.model_dump(mode="json"),
        inputs={name: InputImage.model_validate(image.model_dump()) for name, image in inputs.items()},
    )
    job = services.jobs.create(new)
    tolerant(publish, job.id, job.queue)
    return job


def _queue(services: Services, owner: str, technique: Technique, params: Params, known: ModelDescription | None) -> str:
    """`slow` for a first question about a layer, which sends a whole image set through the model."""
    if not isinstance(params, ImageSetParams):
        return technique.queue
    try:
        images = services.image_sets.use(owner, params.image_set).images
    except NotFound:
        raise _no_set(f"{params.image_set[:80]!r} is not an image set. Make one: POST /v1/image-sets.") from None
    if not images:
        raise _no_set(f"The image set {params.image_set} is empty. Add images: POST /v1/image-sets/{{id}}/images.")
    layer = params.indexed_layer(find_model(params.model))
    weights = known and known.weights
    if layer is None or not weights:
        return "slow"
    name = index_name(params.model, weights, layer)
    return technique.queue if services.image_sets.has_kept(owner, params.image_set, name) else "slow"


def _no_set(detail: str) -> Problem:
    return Problem("unknown_image_set", detail, [Violation("/image_set", detail)])


def store_image(services: Services, owner: str, data: bytes) -> StoredImage:
    """Check an upload and keep it. Raises Problem."""
    if not data:
        raise Problem("image_missing", "The image is empty. With curl, use -F image=@photo.jpg.")
    return services.images.put(owner, data, examine(data, services.settings))


def _store_images(
    services: Services, owner: str, technique: Technique, images: dict[str, bytes | str]
) -> dict[str, StoredImage]:
    wanted = [image.name for image in technique.images]
    if missing := [image.name for image in technique.images if image.required and image.name not in images]:
        name = missing[0]
        detail = f"{technique.title} needs the image {name!r}. With curl: -F {name}=@photo.jpg."
        raise Problem("image_missing", detail, [Violation(f"/{name}", "missing")])
    if extra := [name for name in images if name not in wanted]:
        takes = ", ".join(map(repr, wanted)) or "none"
        raise InvalidParameters(
            f"{technique.title} takes no image {extra[0][:80]!r}; it takes {takes}.",
            [Violation(f"/{extra[0][:80]}", "not an image of this technique")],
        )
    return {name: _stored(services, owner, name, images[name]) for name in wanted if name in images}


def _stored(services: Services, owner: str, name: str, image: bytes | str) -> StoredImage:
    if isinstance(image, bytes):
        return store_image(services, owner, image)
    try:
        return services.images.use(owner, image)
    except NotFound:
        detail = f"{image[:80]!r} is not a stored image. Upload it with -F {name}=@photo.jpg, or by POST /v1/images."
        raise Problem("unknown_image", detail, [Violation(f"/{name}", "not stored")]) from None


def _unknown_or_invalid(technique: Technique, error: ValidationError) -> Problem:
    problem = invalid(error.errors(include_url=False, include_input=False))
    if extra := [str(part["loc"][-1]) for part in error.errors() if part["type"] == "extra_forbidden"]:
        names = sorted(technique.params.model_fields)
        problem.detail += (
            f".{near_matches(extra[0], names)} The parameters of {technique.name} are: {', '.join(names)}."
        )
    return problem
