"""Weights that can be neither found nor downloaded: the job fails with a retryable error."""

import urllib.request
from pathlib import Path

import httpx
import pytest

from jobs.settings import Settings
from retinoscope.redis_server import free_port
from tests.service.asking import queue


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the cache of weights, and block the network."""
    nobody = f"http://127.0.0.1:{free_port()}"
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, nobody)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.mark.usefixtures("offline")
def test_a_model_whose_weights_are_out_of_reach(
    own: httpx.Client, small: bytes, settings: Settings
) -> None:
    # Imported here, since torch takes long to import and nothing else in this file needs it.
    from workers.runner import Runner  # noqa: PLC0415

    job = queue(own, "saliency", small, model="squeezenet1_1")
    Runner(settings, lambda: False).run(job["id"], "fast")
    answer = own.get(job["urls"]["self"], params={"wait": 1})
    assert answer.status_code == 200
    failed = answer.json()
    assert (failed["status"], failed["result"], failed["attempts"]) == ("failed", None, 1)
    error = failed["error"]
    assert (error["code"], error["retryable"]) == ("weights_unavailable", True)
    assert "squeezenet1_1" in error["detail"]
    assert "TORCH_HOME" in error["detail"]
    assert str(settings.data) not in answer.text
