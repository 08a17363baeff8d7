"""`retinoscope api` with what KServe appends to the command of an explainer."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from retinoscope.child import Child
from retinoscope.redis_server import free_port
from retinoscope.stack import Stack
from tests.service.inference.asking import NAME, explain, explanations, instance
from tests.service.pictures import encoded, photo
from tests.wait import wait_until

COMMAND = [sys.executable, "-P", "-m", "retinoscope", "api"]
FILE = """
[served.cats]
model = "efficientnet_lite0"
technique = "saliency"
params = { target = "class:285", reduce = "signed" }
"""


@pytest.fixture
def explainer(stack: Stack, tmp_path: Path) -> Iterator[httpx.Client]:
    """The API as KServe starts it, on the Redis and the workers of the shared stack."""
    (worker,) = [child for child in stack.children if child.name == "worker1"]
    known = psutil.Process(worker.pid).environ()
    (tmp_path / "models.toml").write_text(FILE)
    environment = {
        "RETINOSCOPE_REDIS_URL": known["RETINOSCOPE_REDIS_URL"],
        "RETINOSCOPE_DATA": known["RETINOSCOPE_DATA"],
        "RETINOSCOPE_MODELS": str(tmp_path / "models.toml"),
        "RETINOSCOPE_SERVED_MODEL": "cats",
    }
    port = free_port()
    appended = ["--model_name", "my-isvc", "--predictor_host", "my-isvc-predictor.default"]
    appended += ["--http_port", str(port), "--workers", "2"]
    api = Child("api", [*COMMAND, *appended], environment, tmp_path / "log", patience_s=10)
    api.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=90) as client:
        wait_until(lambda: not api.alive or answers(client), 90)
        assert api.alive, api.log_tail()
        wait_until(lambda: client.get(f"/v1/models/{NAME}").json()["weights"], 180)
        yield client
    api.stop()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/v2/health/live").is_success
    except httpx.TransportError:
        return False


def test_the_name_of_the_service_stands_for_a_served_name(
    explainer: httpx.Client, small_coffee: bytes
) -> None:
    assert explainer.get("/v2/models").json()["models"][:2] == ["my-isvc", "cats"]
    facts = explainer.get("/v1/models/my-isvc").json()
    assert (facts["name"], facts["ready"]) == ("my-isvc", True)
    assert facts["served"]["technique"] == "saliency"
    body = {"instances": [instance(small_coffee)]}
    (shown,) = explanations(explainer.post("/v1/models/my-isvc:explain", json=body))
    job = explainer.get(shown["job"]).json()
    assert (job["technique"], job["params"]["reduce"]) == ("saliency", "signed")
    assert shown["target"] == "class:285"
    # A parameter of the request goes before that of the name, and another technique has its own.
    (top,) = explanations(explainer.post("/v1/models/cats:explain", json=body | {
        "parameters": {"target": "top"}}))  # fmt: skip
    assert explainer.get(top["job"]).json()["params"]["reduce"] == "signed"
    assert top["summary"]["target"]["label"] == "espresso"
    (other,) = explanations(explainer.post("/v1/models/cats:explain", json=body | {
        "parameters": {"technique": "grad_cam"}}))  # fmt: skip
    assert other["target"] == "top"
    assert explanations(explain(explainer, instance(small_coffee)))[0]["target"] == "top"


@pytest.fixture
def small_coffee(coffee: bytes) -> bytes:
    return encoded(photo(coffee, 150, 100))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model_name", "my-isvc"], "Set RETINOSCOPE_SERVED_MODEL"),
        (["--host", "0.0.0.0", "--http_port", "8080"], "without API keys"),
    ],
)
def test_what_cannot_be_served_does_not_start(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"RETINOSCOPE_DATA": str(tmp_path)},
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("retinoscope: ") and words in done.stderr
