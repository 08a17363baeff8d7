"""The bare server that POST is compared with: FastAPI, pydantic and the same durable write."""

import secrets

from fastapi import FastAPI
from pydantic import BaseModel

from jobs.connection import connect
from jobs.job_request import JobRequest
from jobs.settings import Settings
from jobs.store import JobStore


class Body(BaseModel):
    image: str
    seed: int | None = None


class Answer(BaseModel):
    id: str
    status: str


def create_app() -> FastAPI:
    settings = Settings()
    store = JobStore(connect(settings.redis_url), settings)
    app = FastAPI()

    @app.post("/jobs", status_code=202)
    def create(body: Body) -> Answer:
        params = {"image": body.image, "seed": body.seed or secrets.randbits(32)}
        new = JobRequest(owner="bare", technique="bare", model="none", queue="fast", params=params)
        job = store.create(new)
        return Answer(id=job.id, status=job.status)

    return app
