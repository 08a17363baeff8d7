"""From what a client sent to a job that waits. Whatever can be refused is refused here, before anything is queued."""

import secrets
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from catalog.arrays import check_array
from catalog.cost import check_cost
from catalog.errors import Violation, near_matches
from catalog.image_set import ImageSetParams, complete_index_name, index_name
from catalog.models import ModelDescription, find_model
from catalog.named_targets import check_named
from catalog.targets import Target
from catalog.technique import Params, Technique
from jobs.create_options import CreateOptions
from jobs.errors import NotFound, OtherWeights
from jobs.idempotency import Reservation
from jobs.job_request import JobRequest
from jobs.model import Input, InputArray, Job
from service.forms import SentRequest
from service.inputs import check_names, store_inputs
from service.job_request import JobOptions, SentJobRequest, read_options
from service.problems import Problem, invalid
from service.services import Services
from service.shared_work import work_of

_SEED_BITS = 32
FAST_PASSES = 2000  # images through the model, at most, in a job of the fast queue


def read_order(owner: str, technique: Technique, sent: SentRequest) -> SentJobRequest:
    """Typed options and parameters, as they were sent. Raises Problem."""
    options, fields = read_options(sent.fields)
    try:
        params = technique.params.model_validate(fields)
    except ValidationError as error:
        raise _unknown_or_invalid(technique, error) from None
    return SentJobRequest(owner, technique, params, options, sent.images)


def settled(params: Params) -> Params:
    """The same, defaults and seed included. Raises CatalogError."""
    entry = find_model(params.model)
    params = params.resolved(entry)
    params.check_model(entry)
    if params.seed is None:
        params = params.model_copy(update={"seed": secrets.randbits(_SEED_BITS)})
    return params


def submit(
    services: Services,
    order: SentJobRequest,
    params: Params,
    targets: Sequence[Target],
    known: ModelDescription | None,
    key: Reservation | None,
) -> Job:
    """Store the images, write the record, tell the workers. Raises Problem, CatalogError or what `create` raises."""
    technique, owner = order.technique, order.owner
    if known is not None:
        check_named(params, targets, known)
    check_names(technique, order.images)
    params.check_inputs(order.images.keys())
    queue = _queue(services, owner, technique, params, known)
    inputs = store_inputs(services, owner, technique, order.images)
    _check_arrays(params, inputs, known)
    new = JobRequest(
        owner=owner,
        technique=technique.name,
        model=params.model,
        queue=queue,
        params=params.model_dump(mode="json"),
        inputs=inputs,
        batchable=params.batchable(),
    )
    return _create(services, order, params, new, key)


def _create(
    services: Services,
    order: SentJobRequest,
    params: Params,
    new: JobRequest,
    key: Reservation | None,
) -> Job:
    """With the model's weights as they are when the record is written."""
    entry = find_model(params.model)
    weights = services.models.cached_weights(entry.name)
    while True:
        work = work_of(order, params, new.inputs, entry, weights, services.settings.precision)
        try:
            return services.sharing.create(new, CreateOptions(order.options.deadline_s, key, work))
        except OtherWeights:
            weights = services.models.weights([entry.name])[0]


def _queue(
    services: Services,
    owner: str,
    technique: Technique,
    params: Params,
    known: ModelDescription | None,
) -> str:
    """`slow` where many images have to go through the model, such as a first question about a layer of a set.

    Raises Problem or TooExpensive.
    """
    new = _not_indexed(services, owner, params, known) if isinstance(params, ImageSetParams) else 0
    passes = params.estimated_passes(find_model(params.model)) + new
    check_cost(params, passes, services.settings.max_passes)
    return "slow" if new or passes > FAST_PASSES else technique.queue


def _not_indexed(
    services: Services, owner: str, params: ImageSetParams, known: ModelDescription | None
) -> int:
    """How many images of the set have to go through the model first; all of them where that cannot be told."""
    try:
        images = services.image_sets.use(owner, params.image_set).images
    except NotFound:
        raise _no_set(
            f"{params.image_set[:80]!r} is not an image set. Make one: POST /v1/image-sets."
        ) from None
    if not images:
        raise _no_set(
            f"The image set {params.image_set} is empty. Add images: POST /v1/image-sets/{{id}}/images."
        )
    layer = params.indexed_layer(find_model(params.model))
    weights = known and known.weights
    if layer is None or not weights:
        return images
    name = complete_index_name(index_name(params.model, weights, layer), images)
    return 0 if services.image_sets.has_kept(owner, params.image_set, name) else images


def _no_set(detail: str) -> Problem:
    return Problem("unknown_image_set", detail, [Violation("/image_set", detail)])


def _check_arrays(
    params: Params, inputs: Mapping[str, Input], known: ModelDescription | None
) -> None:
    """Raises WrongShape or InvalidParameters."""
    for name, found in inputs.items():
        if isinstance(found, InputArray) and known is not None:
            check_array(params, name, found.shape, known)


def _unknown_or_invalid(technique: Technique, error: ValidationError) -> Problem:
    problem = invalid(error.errors(include_url=False, include_input=False))
    if extra := [
        str(part["loc"][-1]) for part in error.errors() if part["type"] == "extra_forbidden"
    ]:
        names = sorted([*technique.params.model_fields, *JobOptions.model_fields])
        problem.detail += f".{near_matches(extra[0], names)} The parameters of {technique.name} are: {', '.join(names)}."
    return problem
