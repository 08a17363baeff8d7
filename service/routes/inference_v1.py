"""KServe's V1 protocol: explain and predict by a served name."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from catalog.errors import UnknownModel
from catalog.served_name import ServedName
from catalog.served_names import find_served
from jobs.model import Job
from service.dependencies import IdempotencyKey, OwnerDep, ServicesDep
from service.inference.answer import answer
from service.inference.explanations import explanation, first_prediction, predictions
from service.inference.inference_request import MOST_IMAGES, read_request
from service.inference.plan import explain_plan, predict_plan
from service.inference.run import Caller
from service.inference.v1_request import read_v1
from service.inference.views import AcceptedInference, ExplainResponse, PredictResponse
from service.middleware.body_limit import drop_body
from service.problems import INFERENCE_RESPONSE, Problem, inference_error

router = APIRouter(prefix="/v1/models", tags=["inference"], responses=INFERENCE_RESPONSE)

_INSTANCE = {
    "description": (
        'An image, or `{"image": image}`. An image is `{"b64": text}` (base64 of a file), a text '
        "(base64, the id `sha256:…` of a stored image, a `data:` URL, or an `https:` address if "
        "the server fetches any), or numbers 0 to 255, H × W × 3."
    )
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "title": "InferenceV1",
                    "type": "object",
                    "properties": {
                        "instances": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": MOST_IMAGES,
                            "items": _INSTANCE,
                        },
                        "parameters": {
                            "type": "object",
                            "description": (
                                "Parameters of the technique, and options of its jobs. For an "
                                "explanation also `technique`, and `outputs`: names of artifacts, "
                                "separated by commas, or `values` for the map as numbers."
                            ),
                        },
                    },
                    "required": ["instances"],
                },
                "example": {"instances": [{"image": {"b64": "iVBORw0KGgo…"}}]},
            }
        },
    }
}


def _served(
    name: Annotated[str, Path(description="A served name, as GET /v2/models lists them.")],
) -> ServedName:
    try:
        return find_served(name)
    except UnknownModel as error:
        raise Problem(error.code, error.detail, status=404) from None


ExistingName = Annotated[ServedName, Depends(_served)]

_Prefer = Annotated[
    str | None,
    Header(
        description=(
            "With `respond-async` the answer is 202 at once, with the addresses of the jobs. With "
            "`wait=20` it is held for at most 20 seconds instead of 50."
        )
    ),
]


async def _caller(
    request: Request,
    owner: OwnerDep,
    services: ServicesDep,
    prefer: _Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Caller:
    return Caller(services, owner, prefer, idempotency_key, partial(drop_body, request))


CallerDep = Annotated[Caller, Depends(_caller)]

RUN_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {
        "model": AcceptedInference,
        "description": "With `Prefer: respond-async`: the jobs run",
        "headers": {"Location": {"schema": {"type": "string"}}},
    },
    504: inference_error("The result is not there in time; `job` is the address of what runs on"),
}


@router.post(
    "/{name}:explain",
    operation_id="explain",
    summary="Explain what a model sees in images (KServe V1)",
    response_model=ExplainResponse,
    responses=RUN_RESPONSES,
    openapi_extra=_BODY,
)
async def explain(served: ExistingName, request: Request, caller: CallerDep) -> Response:
    """Run the technique of a served name on each image, and wait for the results.

    The jobs are those of `POST /v1/jobs/{technique}`, and stay readable at their addresses.
    """
    asked = await read_request(request, caller.services, caller.owner, read_v1)
    plan = explain_plan(served, asked.parameters)

    def write(jobs: list[Job]) -> dict[str, Any]:
        first = [first_prediction(job) for job in jobs]
        body = {"explanations": [explanation(caller.services, plan, job) for job in jobs]}
        return body | ({"predictions": first} if all(first) else {})

    return await answer(caller, plan, asked, write)


@router.post(
    "/{name}:predict",
    operation_id="predict",
    summary="Predict the classes of images (KServe V1)",
    response_model=PredictResponse,
    responses=RUN_RESPONSES,
    openapi_extra=_BODY,
)
async def predict(served: ExistingName, request: Request, caller: CallerDep) -> Response:
    """Run `predict` with the model of a served name on each image, and wait for the results."""
    asked = await read_request(request, caller.services, caller.owner, read_v1)
    plan = predict_plan(served, asked.parameters)
    return await answer(
        caller, plan, asked, lambda jobs: {"predictions": [predictions(job) for job in jobs]}
    )
