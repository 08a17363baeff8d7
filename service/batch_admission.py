"""The way in for batches: the steps of `admission.py`, for all images of a set at once."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool

from catalog.batches import check_photographs
from catalog.checks import check_cost, relative_cost
from catalog.errors import TooExpensive, Violation
from catalog.named_targets import check_named
from jobs import log_context
from jobs.batch import BATCH, BatchSpec
from jobs.create_options import CreateOptions
from jobs.idempotency import Reservation
from jobs.job_request import JobRequest
from jobs.model import Job
from jobs.tracing import traceparent
from service.admission import Admission, ResolvedRequest, once, resolve_request
from service.batch_request import BatchFields, ParsedBatchRequest, inside_params, parse_batch
from service.queue_choice import used_image_set
from service.services import Services
from service.waiting import known_description
from service.webhook_option import webhook_of


async def admit_batch(
    services: Services, owner: str, sent: Mapping[str, Any], idempotency_key: str | None
) -> Admission:
    """Check a request and create its job. Raises as `admit` does."""
    request = parse_batch(owner, sent)
    webhook = await webhook_of(services, request.job.options)
    request = replace(request, job=replace(request.job, webhook=webhook))
    return await once(
        services,
        owner,
        idempotency_key,
        partial(_fingerprint, request),
        partial(_create, services, request),
    )


def _fingerprint(request: ParsedBatchRequest) -> str:
    """Return a digest of what was sent, without defaults."""
    fields = request.fields.model_dump(mode="json", exclude_unset=True)
    options = request.job.options.model_dump(exclude_unset=True)
    content = json.dumps([BATCH, fields, options], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


async def _create(
    services: Services, request: ParsedBatchRequest, reservation: Reservation | None
) -> Job:
    with inside_params():
        resolved = await resolve_request(services, request.job)
        check_photographs(resolved.model)
    return await run_in_threadpool(
        _check_and_create, services, request.fields, resolved, reservation
    )


def _check_and_create(
    services: Services,
    fields: BatchFields,
    resolved: ResolvedRequest,
    reservation: Reservation | None,
) -> Job:
    """Make the checks that a single job's admission makes in its thread, then create the job."""
    request, params = resolved.request, resolved.request.params
    description = resolved.description or known_description(services, resolved.model.name)
    with inside_params():
        if description is not None:
            check_named(params, resolved.targets, description)
        params.validate_inputs({"image"})
    images = used_image_set(services, request.owner, fields.image_set).images

    # A single job of each image must be within the limits, and all of them within that of one job.
    passes, relative = params.estimated_passes(resolved.model), relative_cost(description)
    with inside_params():
        check_cost(params, passes, services.settings.max_passes)
    _check_total(passes, relative, images, services.settings.max_cost)
    spec = BatchSpec(
        technique=request.technique.name,
        model=params.model,
        params=params.model_dump(mode="json", exclude={"seed"}),
        image_set=fields.image_set,
        images=images,
        outputs=fields.outputs,
        exact=fields.exact,
        seed=params.seed or 0,
    )
    job_request = JobRequest(
        owner=request.owner,
        technique=BATCH,
        model=spec.model,
        queue="slow",
        cost=images * (1.0 + passes * relative),
        params=spec.model_dump(mode="json"),
        request_id=log_context.fields().get("request_id", ""),
        traceparent=traceparent(),
    )
    options = CreateOptions(
        deadline_s=request.options.deadline_s or services.settings.default_deadline_s,
        idempotency=reservation,
        limits=services.keys.limits(request.owner),
        webhook=request.webhook,
        labels=request.options.labels,
    )
    return services.jobs.create(job_request, options)


def _check_total(passes: int, relative: float, images: int, limit: int) -> None:
    """Refuse a batch that multiplies more than one job may. Raises TooExpensive."""
    each = passes * relative
    if each * images > limit:
        message = (
            f"Each of the {images:,} images costs as much as {each:,.0f} images in the default "
            f"model: {each * images:,.0f} together; the limit is {limit:,}. Take a smaller "
            "image_set, or parameters that cost less."
        )
        raise TooExpensive(message, [Violation("/image_set", message)])
