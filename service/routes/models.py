"""Models: their facts, layers and classes, and their predictions for an image."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from catalog.errors import UnknownModel, Violation
from catalog.model_entry import HeadName
from catalog.models import (
    Layer,
    ModelEntry,
    Preprocessing,
    find_model,
    models,
    search_classes,
    search_models,
)
from catalog.registry import find_technique
from catalog.served_names import served_names
from service.addresses import address
from service.admission import admit
from service.dependencies import IdempotencyKey, OwnerDep, Prefer, ServicesDep
from service.inference.paths import is_verb
from service.job_request import JobOptions, SentJobRequest
from service.job_response import job_responses, respond
from service.middleware.body_limit import drop_body
from service.problems import Problem, inference_error
from service.request_body import read_body
from service.request_schema import request_body_schema
from service.typed_jobs import JOB_TYPES
from service.waiting import DESCRIPTION_WAIT_S, MAX_WAIT_S, model_description

router = APIRouter(prefix="/v1/models", tags=["models"])

_PREDICT_WAIT = "wait=30"


class ModelUrls(BaseModel):
    """Addresses of calls about the model."""

    self: str = Field(description="Read the model.")
    layers: str = Field(description="List its layers.")
    classes: str = Field(description="Search its classes.")
    predict: str = Field(description="Predict the classes of an image, with POST.")


class ServedView(BaseModel):
    """What a served name stands for."""

    model: str = Field(description="Name of the model.")
    technique: str = Field(description="The technique of its explanations.")
    params: dict[str, Any] = Field(description="Parameters that are not the technique's defaults.")


class ModelView(BaseModel):
    name: str = Field(description="Name of the model.")
    source: str = Field(description="Origin of architecture and weights.")
    classes: int = Field(description="Number of classes.")
    input_size: int = Field(description="Side of the square that the network sees, in pixels.")
    channels: int = Field(description="3 for colour, 1 for grey, any other for .npy arrays.")
    head: HeadName = Field(
        description=(
            "What makes probabilities of the output: `softmax`, `sigmoid`, `none` (they are "
            "probabilities already), or `raw` (there are none)."
        )
    )
    output: list[str | int] = Field(
        description="Keys and indices that lead to the output, if the model returns several."
    )
    dense: bool = Field(description="Whether the output has class scores at each place of a map.")
    preprocessing: Preprocessing
    recommended_layers: dict[str, str] = Field(description="Recommended layers by technique.")
    weights: str | None = Field(
        description="sha256 of the weights; null until a worker has loaded them."
    )
    ready: bool = Field(description="Whether a worker is running.")
    served: ServedView | None = Field(
        description="What KServe's protocols call by this name; null if they cannot."
    )
    urls: ModelUrls


class ModelList(BaseModel):
    items: list[ModelView] = Field(description="The models, the default first.")
    models: list[str] = Field(
        description="The served names, which KServe's protocols call; see docs/kserve.md."
    )


class LayerList(BaseModel):
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    model: str = Field(description="Name of the model.")
    items: list[Layer] = Field(
        description="The layers, in the order in which the network runs them."
    )
    output: list[int] | None = Field(
        None, description="Shape of the output for one image: [classes], or [classes, H, W]."
    )
    multiplications: int | None = Field(
        None,
        description=(
            "Multiplications of convolutions and linear layers for one image, which the cost of a "
            "job is weighed by; null if they were not counted."
        ),
    )
    gradient: bool | None = Field(
        None,
        description=(
            "Whether the class scores have a gradient with respect to the image. Without one, "
            "`occlusion` and `rise` explain them."
        ),
    )
    map_gradient: bool | None = Field(
        None,
        description=(
            "Whether the class scores have a gradient with respect to a layer that has a map, "
            "which is all that `grad_cam` needs."
        ),
    )
    unlisted: dict[str, str] | None = Field(
        None,
        description=(
            "Layers that are not listed, since they differ from what their modules return, with "
            "the reason."
        ),
    )
    left_out: list[str] | None = Field(
        None,
        description=(
            "Optimizations without which the model runs, since they would change its results: "
            "`channels_last`, `folded_batch_norm`, `single_images`."
        ),
    )
    tested_with: str | None = Field(
        None,
        description=(
            "Software and device on which the model passed its acceptance test; null until a "
            "worker has loaded its weights."
        ),
    )


class ClassView(BaseModel):
    index: int = Field(description="Index of the class in the output.")
    label: str = Field(description="Label of the class.")


class ClassList(BaseModel):
    model: str = Field(description="Name of the model.")
    items: list[ClassView] = Field(description="The classes, in the order of their indices.")


def _entry(
    model: Annotated[str, Path(description="Name of a model, as GET /v1/models lists it.")],
) -> ModelEntry:
    try:
        return find_model(model)
    except UnknownModel as error:
        raise Problem(error.code, error.detail, status=404) from None


ExistingModel = Annotated[ModelEntry, Depends(_entry)]


@router.get("", operation_id="list_models", summary="List the models")
def list_models(
    services: ServicesDep,
    query: Annotated[
        str,
        Query(
            max_length=100,
            description=(
                "Part of a name. The models of timm, `timm:…`, are listed only with a query."
            ),
        ),
    ] = "",
    limit: Annotated[int, Query(ge=1, le=2000)] = 1000,
) -> ModelList:
    """List the default model, your own models and those of torchvision.

    With `query`, list these and the models of timm whose name contains the query.
    """
    entries = (search_models(query) if query.strip() else list(models().values()))[:limit]
    digests = services.models.weights([entry.name for entry in entries])
    ready = services.workers.count() > 0
    wanted = query.casefold().strip()
    return ModelList(
        items=[_view(entry, digest, ready) for entry, digest in zip(entries, digests, strict=True)],
        models=[name for name in served_names() if wanted in name.casefold()],
    )


@router.get(
    "/{model}",
    operation_id="get_model",
    summary="Read one model",
    responses={405: inference_error("The address is that of a verb, such as `dogs:explain`")},
)
def get_model(
    model: Annotated[str, Path(description="Name of a model, or a served name.")],
    services: ServicesDep,
) -> ModelView:
    """Read the facts of a model. Of a served name, they are those of the model behind it."""
    if is_verb(f"/v1/models/{model}"):
        raise HTTPException(405)
    served = served_names().get(model)
    entry = served.model if served else _entry(model)
    weights = services.models.weights([entry.name])[0]
    return _view(entry, weights, services.workers.count() > 0, model)


@router.get(
    "/{model}/layers", operation_id="list_layers", summary="List the layers that can be targets"
)
async def list_layers(
    entry: ExistingModel,
    services: ServicesDep,
    wait: Annotated[
        float,
        Query(
            ge=0,
            le=MAX_WAIT_S,
            description="Seconds to wait for a worker to describe a model for the first time.",
        ),
    ] = DESCRIPTION_WAIT_S,
) -> LayerList:
    """List layers with their shapes and receptive fields.

    A worker describes a model when it is first asked for, which can take seconds. If that takes
    longer than `wait`, the response is `503 description_pending`; ask again. If it cannot, as when
    the model's builder fails, the response is `422 description_failed` with the reason, for a
    minute.
    """
    description = await model_description(services, entry.name, wait)
    if description is None:
        workers = await run_in_threadpool(services.workers.count)
        raise Problem("description_pending", _pending(entry.name, workers))
    return LayerList(
        model=entry.name,
        items=description.layers,
        output=description.output,
        multiplications=description.multiplications,
        gradient=description.gradient,
        map_gradient=description.map_gradient,
        unlisted=description.unlisted,
        left_out=description.left_out,
        tested_with=description.tested_with,
    )


def _pending(model: str, workers: int) -> str:
    """Return why a model has no description, and what to do."""
    if not workers:
        return (
            f"No worker has described {model!r} yet, and none is running. Start one: "
            "`retinoscope worker`."
        )
    return (
        f"A worker was asked to describe {model!r} and has not ended. Ask again in a few seconds, "
        "or let this call wait longer, with ?wait=60. A worker that runs a long job describes the "
        "model after it."
    )


@router.get("/{model}/classes", operation_id="list_classes", summary="Search the classes")
def list_classes(
    entry: ExistingModel,
    query: Annotated[str, Query(max_length=100, description="Part of a label, or an index.")] = "",
    limit: Annotated[int, Query(ge=1, le=2000)] = 1000,
) -> ClassList:
    found = [ClassView(index=index, label=label) for index, label in search_classes(entry, query)]
    return ClassList(model=entry.name, items=found[:limit])


@router.post(
    "/{model}/predict",
    operation_id="predict_with_model",
    summary="Predict the classes of an image",
    response_model=JOB_TYPES["predict"],
    responses=job_responses(JOB_TYPES["predict"]),
    openapi_extra=request_body_schema(find_technique("predict"), with_model=False),
)
async def predict(
    entry: ExistingModel,
    request: Request,
    owner: OwnerDep,
    services: ServicesDep,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Create a `predict` job and wait for it. The labels are in `result.summary.predictions`."""
    # Nothing here holds the body while the response is held.
    admission = await admit(services, await _sent(request, owner, entry), idempotency_key)
    drop_body(request)
    return await respond(services, admission, prefer or _PREDICT_WAIT)


async def _sent(request: Request, owner: str, entry: ModelEntry) -> SentJobRequest:
    technique = find_technique("predict")
    body = await read_body(
        request, {"image"}, {*technique.params.model_fields, *JobOptions.model_fields}
    )
    _check_model(entry, body.fields.get("model", entry.name))
    return SentJobRequest(owner, technique, body.fields | {"model": entry.name}, body.inputs)


def _check_model(entry: ModelEntry, sent: object) -> None:
    """Refuse a model in the body that is not that of the address. Raises Problem."""
    if sent != entry.name:
        message = f"The address names the model {entry.name!r}. Leave out model, or send the same."
        raise Problem("invalid_parameters", message, [Violation("/model", message)])


def _view(entry: ModelEntry, weights: str | None, ready: bool, name: str = "") -> ModelView:
    """Return what clients see of a model, by its name or by a served name."""
    name = name or entry.name
    url = address(f"/v1/models/{entry.name}")
    served = served_names().get(name)
    return ModelView(
        name=name,
        source=entry.source,
        classes=entry.classes,
        input_size=entry.input_size,
        channels=entry.preprocessing.channels,
        head=entry.head,
        output=list(entry.output),
        dense=entry.dense,
        preprocessing=entry.preprocessing,
        recommended_layers=entry.recommended,
        weights=weights,
        ready=ready,
        served=ServedView(
            model=served.model.name, technique=served.technique.name, params=dict(served.params)
        )
        if served
        else None,
        urls=ModelUrls(
            self=address(f"/v1/models/{name}"),
            layers=f"{url}/layers",
            classes=f"{url}/classes",
            predict=f"{url}/predict",
        ),
    )
