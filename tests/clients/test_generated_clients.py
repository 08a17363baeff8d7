"""Clients that generators make of the OpenAPI document compile, and run jobs on a real stack.

Either program also reads a field that its job does not have, with a comment by which the compiler
must object.
`make clients` installs the generators; without them these tests are skipped.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "openapi" / "openapi.json"
SOURCES = Path(__file__).parent
PYTHON = ROOT / ".venv" / "clients" / "bin"
NODE_MODULES = ROOT / ".venv" / "npm" / "node_modules"

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not (PYTHON.exists() and NODE_MODULES.exists()),
        reason="the generators are not installed: run `make clients`",
    ),
]


def call(folder: Path, *command: str | Path) -> str:
    """Run a command to its end; return what it printed, and fail with all it said."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client of openapi-python-client and the program that uses it."""
    folder = tmp_path_factory.mktemp("python")
    shutil.copy(SOURCES / "python" / "jobs.py", folder)
    call(
        folder, PYTHON / "openapi-python-client", "generate",
        "--path", DOCUMENT, "--config", SOURCES / "python" / "config.yaml",
        "--meta", "none", "--output-path", folder / "generated", "--fail-on-warning",
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients of both generators and the program that uses them."""
    folder = tmp_path_factory.mktemp("typescript")
    shutil.copytree(SOURCES / "typescript", folder, dirs_exist_ok=True)
    (folder / "node_modules").symlink_to(NODE_MODULES)
    programs = folder / "node_modules" / ".bin"
    shutil.copy(DOCUMENT, folder / "openapi.json")
    call(folder, programs / "openapi-ts")
    call(
        folder, programs / "openapi-typescript", "openapi.json", "--output", "generated/paths.d.ts"
    )
    call(folder, programs / "tsc")
    return folder


@pytest.fixture
def picture(tmp_path: Path, chelsea: bytes) -> Path:
    path = tmp_path / "chelsea.png"
    path.write_bytes(chelsea)
    return path


def assert_right(found: dict[str, Any], client: httpx.Client) -> None:
    """Compare what a program printed with the jobs of the server, which it has just made."""
    jobs = client.get("/v1/jobs?limit=20").json()["items"]
    by_technique = {job["technique"]: job for job in reversed(jobs)}
    summary = by_technique["saliency"]["result"]["summary"]
    predictions = by_technique["predict"]["result"]["summary"]["predictions"]
    assert found == {
        "label": summary["target"]["label"],
        "score": summary["score_value"],
        "seed": 5,
        "errors": by_technique["inversion"]["result"]["summary"]["layers"][0]["error"],
        "predicted": predictions[0]["label"],
    }
    assert found["label"] == found["predicted"] and "cat" in found["label"]


def test_the_python_client_runs_jobs(python: Path, picture: Path, client: httpx.Client) -> None:
    program = call(python, PYTHON / "python", "jobs.py", str(client.base_url), picture)
    assert_right(json.loads(program), client)


def test_the_python_client_has_types(python: Path) -> None:
    call(python, PYTHON / "mypy", "--strict", "--no-error-summary", "jobs.py")


def test_the_typescript_clients_run_jobs(
    typescript: Path, picture: Path, client: httpx.Client
) -> None:
    program = call(typescript, "node", "built/jobs.js", str(client.base_url), picture)
    assert_right(json.loads(program), client)
