"""Without the artifact store the API says that it is that store, not Redis, which is away."""

import shutil

import httpx
import pytest

from jobs.settings import Settings
from tests.service.asking import refused
from tests.service.conftest import Serve


@pytest.fixture
def without_artifacts(serve: Serve, settings: Settings) -> httpx.Client:
    """Return a client of an API whose folder of artifacts has become a file."""
    client = serve(settings)
    folder = settings.data / "artifacts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("in the way")
    return client


def test_the_artifact_store_is_named(without_artifacts: httpx.Client, small: bytes) -> None:
    for address in ("/v1/images", "/v1/jobs/predict"):
        answer = without_artifacts.post(address, files={"image": small})
        problem = refused(answer, 503, "artifact_store_unavailable", "artifact store", "again")
        assert problem["title"] == "The artifact store cannot be reached"
        assert int(answer.headers["retry-after"]) >= 1
        assert "in the way" not in answer.text


def test_what_needs_redis_only_is_answered(without_artifacts: httpx.Client) -> None:
    assert without_artifacts.get("/v1/jobs").json()["items"] == []


def test_the_readiness_names_it_too(without_artifacts: httpx.Client) -> None:
    state = without_artifacts.get("/readyz").json()
    assert (state["redis"], state["status"]) == ("ok", "unavailable")
    assert state["artifacts"].startswith("unreachable")
