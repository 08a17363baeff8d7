"""What a request costs, and the queue that it belongs in."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.checks import check_cost, check_multiplications, relative_cost
from catalog.errors import Violation
from catalog.image_set import ImageSetParams, complete_index_name, index_name
from catalog.model_description import ModelDescription
from catalog.models import ModelEntry
from catalog.targets import Target
from jobs.errors import NotFound
from jobs.image_sets import ImageSet
from service.job_request import ParsedJobRequest
from service.problems import Problem
from service.services import Services
from service.waiting import known_description

# Images through the default model, at most, in a job of the `fast` queue.
FAST_PASSES = 2000
# A job of so few images is cheap with any model: its description is not read for its cost.
_FEW_PASSES = 4


@dataclass(frozen=True)
class QueueChoice:
    """The queue of a job, and what the job takes of its owner's share of that queue."""

    queue: str
    cost: float


def choose_queue(
    services: Services,
    request: ParsedJobRequest,
    model: ModelEntry,
    targets: Sequence[Target],
    description: ModelDescription | None,
) -> QueueChoice:
    """Return the queue and the cost, which was found to be within the limit.

    A job that runs many images through the model goes to `slow`, such as the first question about
    a layer of an image set. Raises Problem or TooExpensive.
    """
    params = request.params
    unindexed = 0
    if isinstance(params, ImageSetParams):
        layer = params.indexed_layer(model, targets)
        unindexed = _unindexed_images(services, request.owner, params, model, layer, description)
    passes = params.estimated_passes(model) + unindexed
    check_cost(params, passes, services.settings.max_passes)
    if description is None and passes > _FEW_PASSES:
        description = known_description(services, model.name)
    relative = relative_cost(description)
    check_multiplications(params, passes, relative, services.settings.max_cost)
    slow = unindexed or passes * relative > FAST_PASSES
    # Each job also reads its inputs and renders pictures, which takes about as long as a pass.
    return QueueChoice("slow" if slow else request.technique.queue, 1.0 + passes * relative)


def used_image_set(services: Services, owner: str, set_id: str) -> ImageSet:
    """Return an image set that is not empty, and keep it as long as a job created now.

    Raises Problem.
    """
    try:
        found = services.image_sets.use(owner, set_id)
    except NotFound:
        raise _refused_image_set(
            "unknown_image_set",
            f"{set_id[:80]!r} is not an image set. Create one with POST /v1/image-sets.",
        ) from None
    if not found.images:
        raise _refused_image_set(
            "empty_image_set",
            f"The image set {set_id} is empty. Add images with POST /v1/image-sets/{{id}}/images.",
        )
    return found


def _unindexed_images(
    services: Services,
    owner: str,
    params: ImageSetParams,
    model: ModelEntry,
    layer: str | None,
    description: ModelDescription | None,
) -> int:
    """Return how many images of the set must be indexed first.

    If the weights or the layer are not known yet, all images count.
    """
    images = used_image_set(services, owner, params.image_set).images
    if layer is None or description is None or not description.weights:
        return images
    name = complete_index_name(index_name(model.name, description.weights, layer), images)
    return 0 if services.image_sets.has_kept(owner, params.image_set, name) else images


def _refused_image_set(code: str, detail: str) -> Problem:
    return Problem(code, detail, [Violation("/image_set", detail)])
