"""The chart as Helm renders it, in the environment of `make manifests`."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "retinoscope"
PYTHON = ROOT / ".venv" / "manifests" / "bin" / "python"
LEAST = {"artifactsUrl": "s3://pictures/retinoscope"}

Render = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def render() -> Render:
    """Return a function that lints, renders and checks the chart with values."""
    if not PYTHON.exists():
        pytest.skip("Helm is not installed: run `make manifests`")

    def rendered(values: dict[str, Any], chart: Path = CHART) -> dict[str, Any]:
        done = subprocess.run(
            [PYTHON, Path(__file__).parent / "render.py", chart],
            input=json.dumps(values),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    return rendered


def of_kind(report: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the rendered resources of a kind by name."""
    found = [each for each in report["manifests"] if each["kind"] == kind]
    return {each["metadata"]["name"]: each for each in found}
