"""The one way in: from what a client asked for to a job that waits for a worker.

Whatever can be refused is refused here, before anything is queued. The numbered steps are the
whole sequence, and a request with several faults is refused at the first step that finds one.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from starlette.concurrency import run_in_threadpool

from catalog.model_description import ModelDescription
from catalog.model_support import check_support
from catalog.models import ModelEntry, class_labels, find_model
from catalog.named_targets import check_named, read_targets
from catalog.targets import Target
from jobs import log_context
from jobs.create_options import CreateOptions
from jobs.errors import KeyTaken, OtherWeights
from jobs.idempotency import Reservation
from jobs.job_request import JobRequest
from jobs.model import Input, Job
from jobs.tracing import traceparent
from service.idempotency import fingerprint, read_key, released_on_error, reserve
from service.image_addresses import check_addresses, with_fetched_images
from service.inputs import check_arrays, check_images, check_names, store_inputs
from service.job_request import ParsedJobRequest, SentJobRequest, parse, resolve
from service.queue_choice import QueueChoice, choose_queue
from service.services import Services
from service.waiting import DESCRIPTION_WAIT_S, known_description, model_description
from service.webhook_option import webhook_of
from service.work_key import work_key


@dataclass(frozen=True)
class Admission:
    """A job that was accepted.

    `replayed` is true if an earlier request with the same idempotency key made the job.
    """

    job: Job
    replayed: bool


@dataclass(frozen=True)
class ResolvedRequest:
    """A request with nothing left to fill in, and what it was resolved by.

    `description` is None where the request needs none, or where no worker made one in time.
    """

    request: ParsedJobRequest
    model: ModelEntry
    targets: Sequence[Target]
    description: ModelDescription | None


async def admit(
    services: Services, sent: SentJobRequest, idempotency_key: str | None, whole: str = ""
) -> Admission:
    """Check a request, store its inputs and create its job.

    `whole` is a digest of all that was sent, where this job is one of several of an HTTP request:
    the idempotency key then holds for that request as a whole.

    Raises Problem, CatalogError or JobsError if the request is refused, RedisError or an error
    of the object store if a store cannot be reached.
    """
    # 1. Parse parameters and options, and check the addresses of the webhook and of images.
    request = parse(sent)
    check_addresses(services.settings, request.inputs, request.technique.inputs)
    request = replace(request, webhook=await webhook_of(services, request.options))

    # 2. Reserve the idempotency key by the fingerprint of what was sent.
    return await once(
        services,
        request.owner,
        idempotency_key,
        lambda: fingerprint(request) + whole,
        partial(_create_job, services, request),
    )


async def once(
    services: Services,
    owner: str,
    idempotency_key: str | None,
    fingerprint: Callable[[], str],
    create: Callable[[Reservation | None], Awaitable[Job]],
) -> Admission:
    """Create a job, or return the one that an earlier request with this key created.

    `fingerprint` returns a digest of what was sent. Raises Problem and what `create` raises.
    """
    key = read_key(idempotency_key)
    if key is None:
        return Admission(await create(None), replayed=False)
    digest = await run_in_threadpool(fingerprint)
    while True:
        found = await reserve(services, owner, key, digest)
        if isinstance(found, Job):
            return Admission(found, replayed=True)
        # KeyTaken: the reservation expired, and another request has the key. Look again.
        with suppress(KeyTaken):
            async with released_on_error(services, found):
                return Admission(await create(found), replayed=False)


async def resolve_request(services: Services, request: ParsedJobRequest) -> ResolvedRequest:
    """Run steps 3 to 6 on the event loop, where step 6 may wait for seconds."""
    # 3. Resolve the defaults of this model and draw the seed.
    model = find_model(request.params.model)
    request = resolve(request, model)

    # 4. Parse the targets.
    targets = read_targets(request.params, class_labels(model), dense=model.dense)

    # 5. Check the technique and the parameters against the model's entry.
    check_support(request.technique, model)
    request.params.validate_for(model, targets)

    # 6. Get the model's description, if the request names something inside the model. Without a
    #    description in time, the job's own worker makes the checks of steps 7 and 11.
    description = None
    if (
        request.params.named_layers()
        or request.technique.reads_image_set
        or any(target.layer is not None or target.position is not None for target in targets)
    ):
        description = await model_description(services, model.name, DESCRIPTION_WAIT_S)
    return ResolvedRequest(request, model, targets, description)


async def _create_job(
    services: Services, request: ParsedJobRequest, reservation: Reservation | None
) -> Job:
    """Run steps 3 to 6, then 7 to 13 in a thread."""
    resolved = await resolve_request(services, request)
    # Images are fetched here, before steps 7 to 9 might refuse the request: in their thread it
    # would be held for as long as the servers of the images like.
    inputs = await with_fetched_images(services, request.inputs)
    resolved = replace(resolved, request=replace(resolved.request, inputs=inputs))

    has_files = any(isinstance(value, bytes) for value in inputs.values())
    arguments = (services, resolved, reservation)
    if has_files:
        return await services.intake.run(request.owner, _store_and_create, *arguments)
    return await run_in_threadpool(_store_and_create, *arguments)


def _store_and_create(
    services: Services, resolved: ResolvedRequest, reservation: Reservation | None
) -> Job:
    """Run steps 7 to 13, which compute and block, in a thread."""
    # 7. Look up the layers and targets in the description.
    resolved = _checked_names(services, resolved)
    request, model = resolved.request, resolved.model

    # 8. Check the names of the inputs.
    check_names(request.technique, request.inputs)
    request.params.validate_inputs(request.inputs.keys())

    # 9. Check the cost and choose the queue.
    choice = choose_queue(services, request, model, resolved.targets, resolved.description)

    # 10. Check and store the inputs.
    inputs = store_inputs(services, request.owner, request.technique, model, request.inputs)

    # 11. Check the arrays against the layers whose outputs they stand in for, and the sizes of
    #     images against those that the layers take.
    if resolved.description is not None:
        check_arrays(request.params, inputs, resolved.description)
        check_images(request.params, model, inputs, resolved.description)

    # 12 and 13.
    return _create(services, resolved, inputs, choice, reservation)


def _checked_names(services: Services, resolved: ResolvedRequest) -> ResolvedRequest:
    """Look up what the request names, and return it with the description that was found.

    Whether the output has a gradient is not waited for: a job's worker knows it.
    """
    params, description = resolved.request.params, resolved.description
    if description is None and params.differentiates_by_image:
        description = known_description(services, resolved.model.name)
    if description is not None:
        check_named(params, resolved.targets, description)
    return replace(resolved, description=description)


def _create(
    services: Services,
    resolved: ResolvedRequest,
    inputs: Mapping[str, Input],
    choice: QueueChoice,
    reservation: Reservation | None,
) -> Job:
    """Create the job, or let it take the result of an identical one."""
    request, model = resolved.request, resolved.model
    job_request = _job_request(request, model, inputs, choice)
    limits = services.keys.limits(request.owner)
    deadline_s = request.options.deadline_s or services.settings.default_deadline_s
    weights = services.models.cached_weights(model.name)
    while True:
        # 12. Compute the deduplication key.
        work = work_key(request, model, inputs, weights, services.settings.precision)

        # 13. Create the job. If a worker has loaded other weights meanwhile, repeat step 12.
        options = CreateOptions(
            deadline_s, reservation, work, limits, request.webhook, request.options.labels
        )
        try:
            return services.deduplicator.create(job_request, options)
        except OtherWeights:
            weights = services.models.weights([model.name])[0]


def _job_request(
    request: ParsedJobRequest, model: ModelEntry, inputs: Mapping[str, Input], choice: QueueChoice
) -> JobRequest:
    return JobRequest(
        owner=request.owner,
        technique=request.technique.name,
        model=model.name,
        queue=choice.queue,
        cost=choice.cost,
        params=request.params.model_dump(mode="json"),
        inputs=inputs,
        batchable=request.params.traits().batchable,
        request_id=log_context.fields().get("request_id", ""),
        traceparent=traceparent(),
    )
