"""The FastAPI application: wires what the other modules make."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline

from catalog.models import models
from jobs.settings import Settings, settings
from service import problems
from service.events.stopping import on_shutdown
from service.middleware.body_limit import BodyLimit
from service.middleware.head_requests import HeadRequests
from service.middleware.loopback_only import LoopbackOnly
from service.routes import (
    artifacts,
    create_job,
    events,
    health,
    image_sets,
    images,
    jobs,
    previews,
    techniques,
)
from service.routes import models as model_routes
from service.services import make_services

DESCRIPTION = """Shows what a vision model sees. Post an image, name a technique, poll the job, fetch the pictures.

`curl -F image=@photo.jpg -H 'Prefer: wait=30' http://127.0.0.1:8000/v1/jobs/saliency`"""


def create_app(config: Settings | None = None) -> FastAPI:
    """The application for those settings, or for those of the environment."""
    config = config or settings()
    models()  # a broken file of own models is said now, not to the first client
    services = make_services(config)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        reader = asyncio.create_task(services.changes.run())
        with on_shutdown(services.feeds.close):
            yield
        services.feeds.close()
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader

    app = FastAPIOffline(
        title="Retinoscope",
        version=version("retinoscope"),
        description=DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        responses=problems.PROBLEM_RESPONSE,
    )
    app.state.services = services
    app.add_api_route("/", lambda: RedirectResponse("/docs"), include_in_schema=False)
    problems.install(app)
    problems.document_problems(app)
    app.add_middleware(HeadRequests)
    app.add_middleware(BodyLimit, limit=config.max_body_bytes, upload_limit=config.max_upload_bytes)
    app.add_middleware(LoopbackOnly, keys=services.keys, allowed_hosts=config.allowed_hosts)
    for module in (
        techniques, model_routes, images, image_sets, create_job, jobs, events, previews, artifacts, health
    ):  # fmt: skip
        app.include_router(module.router)
    return app
