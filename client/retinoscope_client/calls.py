"""The calls that both clients have. Each is a flow; what runs it decides what is returned."""

from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

from retinoscope_client.image_sets import ImageSet, image_set
from retinoscope_client.images import stored
from retinoscope_client.jobs import BaseJob
from retinoscope_client.progress import Report
from retinoscope_client.settings import settings
from retinoscope_client.steps import Flow, Request, listed, post_json
from retinoscope_client.techniques import INPUTS, J, R, Techniques

# What lists, image sets and lists of jobs are: themselves, or to be awaited.
L = TypeVar("L")
S = TypeVar("S")
M = TypeVar("M")


class Calls(Techniques[J, R], Generic[J, R, L, S, M]):
    """The calls of a client."""

    job_type: ClassVar[type[BaseJob[Any, Any, Any]]]
    http_type: ClassVar[Any]

    def __init__(
        self, url: str | None = None, key: str | None = None, timeout: float = 60, retries: int = 2
    ) -> None:
        """Read the settings. The first call connects. Raises RetinoscopeError."""
        self.url, headers = settings(url, key)
        self._timeout, self._retries = timeout, retries
        self._http = self.http_type(headers=headers, follow_redirects=False)

    @abstractmethod
    def call(self, flow: Flow[Any]) -> Any:
        """Do what a flow (steps.py) asks for, and return its value."""

    def submit(self, technique: str, **params: Any) -> J:
        """Create a job of a technique. The method with its name has the parameters."""
        return self.call(self._submitted(technique, params))

    def run(self, technique: str, *, progress: bool | Report = True, **params: Any) -> R:
        """Create a job, and return its result once it has succeeded."""
        return self.call(self._run(technique, progress, params))

    def job(self, job_id: str) -> J:
        """Read a job."""
        return self.call(self._job(Request("GET", f"/v1/jobs/{quote(job_id, '')}")))

    def jobs(self, limit: int = 100, **filters: Any) -> M:
        """Return the newest jobs, by `status`, `technique`, `model` or `labels`."""
        return self.call(self._jobs(limit, filters))

    def batch(self, technique: str, image_set: ImageSet | str, **options: Any) -> J:
        """Create one job that runs a technique on all images of a set.

        Options are `params` of the technique, `outputs` (names of files), `seed`, `exact`,
        `labels` and `webhook`.
        """
        body = {"technique": technique, "image_set": _id(image_set), **options}
        return self.call(self._batch(body))

    def image_set(self, images: str | Path | Iterable[Any], name: str = "") -> S:
        """Make an image set of a folder, or of images. Raises RetinoscopeError."""
        return self.call(image_set(images, name))

    def techniques(self) -> L:
        """List the techniques, with parameters as JSON Schema."""
        return self.call(listed("/v1/techniques", None, {}))

    def models(self, query: str | None = None) -> L:
        """List the models; those of timm only with a part of a name."""
        return self.call(listed("/v1/models", None, {"query": query}))

    def layers(self, model: str) -> L:
        """List the layers of a model that can be targets."""
        return self.call(listed(f"/v1/models/{quote(model, '')}/layers", None, {"wait": 50}))

    def classes(self, model: str, query: str | None = None) -> L:
        """List the classes of a model, or those whose labels contain a text."""
        return self.call(listed(f"/v1/models/{quote(model, '')}/classes", None, {"query": query}))

    def _submitted(self, technique: str, params: dict[str, Any]) -> Flow[Any]:
        """Upload the images that the server does not have, then create the job."""
        body = {name: _id(value) for name, value in params.items() if value is not None}
        for name in INPUTS & body.keys():
            body[name] = yield from stored(body[name])
        return (yield from self._job(_created(f"/v1/jobs/{quote(technique, '')}", body)))

    def _batch(self, body: dict[str, Any]) -> Flow[Any]:
        """Create a batch, and return it as the job that it is."""
        batch = (yield _created("/v1/batches", body)).json()
        return (yield from self._job(Request("GET", f"/v1/jobs/{batch['id']}")))

    def _run(self, technique: str, progress: bool | Report, params: dict[str, Any]) -> Flow[Any]:
        job = yield from self._submitted(technique, params)
        return (yield from job.waited(None, progress))

    def _job(self, request: Request) -> Flow[Any]:
        return self.job_type((yield request).json(), self.call)

    def _jobs(self, limit: int, filters: dict[str, Any]) -> Flow[list[Any]]:
        labels = [f"{name}={value}" for name, value in (filters.pop("labels", None) or {}).items()]
        query = filters | {"label": labels or None, "limit": min(limit, 100)}
        found = yield from listed("/v1/jobs", limit, query)
        return [self.job_type(data, self.call) for data in found]

    def _http_request(self, step: Request) -> Any:
        """Return a request of the HTTP library, which always goes to this server."""
        return self._http.build_request(
            step.method,
            self.url + step.path,
            params=step.query or None,
            headers=step.headers,
            content=step.body,
            timeout=step.patience_s or self._timeout,
        )

    def __repr__(self) -> str:
        return f"<Retinoscope at {self.url}>"


def _created(path: str, body: dict[str, Any]) -> Request:
    """Return a request with an idempotency key, so that sending it again makes no second job."""
    key = str(body.pop("idempotency_key", uuid4()))
    return post_json(path, body, Idempotency_Key=key)


def _id(value: Any) -> Any:
    return value.id if isinstance(value, ImageSet) else value
