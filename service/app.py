"""The FastAPI application: wires services, middleware, error handlers and routes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from catalog.models import models
from catalog.served_names import served_names
from jobs.settings import Settings, settings
from jobs.version import VERSION
from service.addresses import EXAMPLE_ORIGIN, name_own_address
from service.components import document_components
from service.content_encoding import check_encoding
from service.dependencies import KEY_REQUIRED, RATE_LIMITED
from service.events.stopping import on_shutdown
from service.exception_handlers import answer_error, install_handlers
from service.metrics import RequestCounter
from service.middleware.body_limit import BodyLimit
from service.middleware.head_requests import HeadRequests
from service.middleware.loopback_only import LoopbackOnly
from service.middleware.own_address import OwnAddress, TrustedPeer
from service.middleware.rate_limit_headers import RateLimitHeaders
from service.middleware.request_log import RequestLog
from service.problems import INFERENCE_KEY_RESPONSE, KEY_RESPONSE, PROBLEM_RESPONSE
from service.query import check_query
from service.routes import (
    artifacts,
    batch_results,
    batches,
    create_job,
    deliveries,
    events,
    health,
    image_sets,
    images,
    inference_v1,
    inference_v2,
    jobs,
    playground,
    previews,
    techniques,
    usage,
    webhooks,
)
from service.routes import models as model_routes
from service.services import make_services

DESCRIPTION = f"""Shows what a vision model sees. Post an image to a technique, poll the job,
and download its pictures.

`curl -F image=@photo.jpg -H 'Prefer: wait=30' {EXAMPLE_ORIGIN}/v1/jobs/saliency`"""

# The checks of every call, in this order: a stranger learns nothing about a call but that it wants
# a key. Health checks are for whoever watches the process.
_CHECKS = [Depends(check_query), Depends(check_encoding)]
_KEYED_CHECKS = [KEY_REQUIRED, RATE_LIMITED, *_CHECKS]

# The order is that of the calls in /docs, and of the addresses: the first match answers.
_ROUTES = (
    techniques,
    model_routes,
    images,
    image_sets,
    create_job,
    jobs,
    events,
    previews,
    artifacts,
    batches,
    batch_results,
    webhooks,
    deliveries,
    usage,
)
_INFERENCE_ROUTES = (inference_v1, inference_v2)


def create_app(config: Settings | None = None) -> FastAPI:
    """Build the application for these settings, or for those of the environment."""
    config = config or settings()
    # A broken models file must fail the start, not the first request.
    models()
    served_names()
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
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        responses=PROBLEM_RESPONSE,
    )
    app.state.services = services
    app.state.requests = RequestCounter()
    install_handlers(app)
    document_components(app)
    name_own_address(app)
    # The last one that is added sees a request first.
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(BodyLimit, settings=config)
    app.add_middleware(LoopbackOnly, keys=services.keys, allowed_hosts=config.allowed_hosts)
    app.add_middleware(OwnAddress, root_path=config.root_path)
    app.add_middleware(RequestLog, answer=answer_error, count=app.state.requests.count)
    app.add_middleware(HeadRequests)
    proxies = [str(network) for network in config.trusted_proxies]
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=proxies)
    app.add_middleware(TrustedPeer, trusted=config.trusted_proxies)
    for module in _ROUTES:
        app.include_router(module.router, dependencies=_KEYED_CHECKS, responses=KEY_RESPONSE)
    for door in _INFERENCE_ROUTES:
        app.include_router(
            door.router, dependencies=_KEYED_CHECKS, responses=INFERENCE_KEY_RESPONSE
        )
    for open_to_all in (health.router, inference_v2.health_router, playground.router):
        app.include_router(open_to_all, dependencies=_CHECKS)
    return app
