"""Each package loads alone: the API without torch, techniques without queue and HTTP."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BLOCK = """
import sys
for name in {names!r}:
    sys.modules[name] = None  # importing it now raises ImportError
"""

API = (
    BLOCK.format(names=["torch", "torchvision", "timm", "numpy", "workers"])
    + """
import asyncio, json
from service.app import create_app

app, sent = create_app(), []

async def receive():
    return {"type": "http.request", "body": b""}

async def send(message):
    sent.append(message)

scope = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/openapi.json",
    "raw_path": b"/openapi.json",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"localhost")],
    "client": ("127.0.0.1", 5),
    "server": ("127.0.0.1", 80),
}
asyncio.run(app(scope, receive, send))
document = json.loads(b"".join(message.get("body", b"") for message in sent))
print(sent[0]["status"], "/v1/jobs/saliency" in document["paths"])
"""
)

TECHNIQUE = (
    BLOCK.format(
        names=["celery", "kombu", "redis", "fastapi", "starlette", "obstore", "jobs", "service"]
    )
    + """
from catalog.targets import Target
from catalog.techniques.saliency import SaliencyParams
from tests.tiny import photo, tiny_model
from workers.task import Task
from workers.techniques import saliency
from workers.toolkit.execution.context import LocalContext

context = LocalContext(origin={"technique": "saliency"})
target = Target("class:3", "class", index=3)
params = SaliencyParams(target="class:3", seed=1)
summary = saliency.run(Task(params, tiny_model(), {"image": photo()}, (target,), 1), context)
print(summary.target.index, sorted(context.files), context.steps[-1])
"""
)

MENU = """
import sys

class OnlyPydantic:
    allowed = sys.stdlib_module_names | {
        "catalog",
        "pydantic",
        "pydantic_core",
        "annotated_types",
        "typing_extensions",
        "typing_inspection",
    }

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.allowed and not name.startswith("_sysconfigdata"):
            raise ImportError(f"{name} is not for the catalog")

sys.meta_path.insert(0, OnlyPydantic())
import catalog.registry
print(sorted(catalog.registry.techniques()))
"""


def start(script: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", script]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def processes() -> Iterator[dict[str, "subprocess.Popen[str]"]]:
    """Run the fresh processes in parallel, because importing torch is slow."""
    started = {"technique": start(TECHNIQUE), "api": start(API), "menu": start(MENU)}
    yield started
    for process in started.values():
        process.kill()
        process.communicate()


def said(process: "subprocess.Popen[str]") -> str:
    out, error = process.communicate(timeout=200)
    assert process.returncode == 0, error
    return out.strip()


def test_the_menu_needs_pydantic_only(processes: dict) -> None:
    assert "'occlusion'" in said(processes["menu"])


def test_the_api_needs_no_torch_and_no_numpy(processes: dict) -> None:
    assert said(processes["api"]) == "200 True"


def test_a_technique_needs_no_queue_no_store_and_no_http(processes: dict) -> None:
    assert said(processes["technique"]) == "3 ['heatmap.png', 'overlay.png', 'values.npy'] (1, 1)"
