"""docs/notebook.ipynb, run against a real stack by Jupyter's kernel, without torch."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from retinoscope.stack import Stack

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
JUPYTER = ROOT / ".venv" / "notebook" / "bin" / "jupyter-execute"
MOST_LINES = 30


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_it_is_short_and_committed_without_results() -> None:
    cells = code_cells(NOTEBOOK)
    lines = [line for cell in cells for line in cell["source"] if line.strip()]
    assert len(lines) <= MOST_LINES
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


def test_it_runs(stack: Stack, tmp_path: Path) -> None:
    if not JUPYTER.exists():
        pytest.skip("Jupyter's kernel is not installed: run `make notebook`")
    executed = tmp_path / "executed.ipynb"
    path = f"{JUPYTER.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {
        "PATH": path,
        "PYTHONPATH": str(ROOT / "client"),
        "RETINOSCOPE_URL": stack.plan.address,
    }
    command = [str(JUPYTER), NOTEBOOK.name, f"--output={executed}", "--timeout=200"]
    done = subprocess.run(
        command,
        cwd=NOTEBOOK.parent,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    outputs = [output for cell in code_cells(executed) for output in cell["outputs"]]
    results = [output["data"] for output in outputs if output["output_type"] == "execute_result"]
    predicted, figure, row, table, numbers = results
    assert "Egyptian cat" in "".join(predicted["text/plain"])
    assert "image/png" in figure and "image/png" in row
    assert "".join(table["text/markdown"]).count("|\n| ") == 4
    assert "(224, 224)" in "".join(numbers["text/plain"])
    assert not [output for output in outputs if output["output_type"] == "error"]
