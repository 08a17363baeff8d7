"""docs/kserve.md: what it says to try works word for word, and its tables are those of the code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.models import models
from catalog.served_name import DEFAULT_TECHNIQUE, read_served
from retinoscope.stack import Stack

PAGE = (Path(__file__).parents[3] / "docs" / "kserve.md").read_text(encoding="utf-8")
EXAMPLE = "127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, chelsea: bytes) -> Path:
    (tmp_path / "photo.jpg").write_bytes(chelsea)
    return tmp_path


def test_what_is_typed_into_a_shell(stack: Stack, folder: Path) -> None:
    address = stack.plan.address.removeprefix("http://")
    v1, v2 = blocks("sh")
    for script in (v1, v2):
        assert EXAMPLE in script
        done = subprocess.run(
            ["bash", "-eu", "-c", script.replace(EXAMPLE, address)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr
        assert "tiger cat" in done.stdout or '"name":"efficientnet_lite0"' in done.stdout
    assert (folder / "overlay.png").read_bytes().startswith(b"\x89PNG")
    inferred = json.loads((folder / "inferred.json").read_text())
    shown = json.loads(inferred["outputs"][0]["data"][0])
    assert shown["summary"]["target"]["label"] in ("tiger cat", "Egyptian cat")


def test_what_is_written_in_python(stack: Stack, folder: Path) -> None:
    (script,) = blocks("python")
    address = stack.plan.address.removeprefix("http://")
    done = subprocess.run(
        [sys.executable, "-c", script.replace(EXAMPLE, address)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(1, 224, 224)\n")


def test_the_table_of_the_example_is_read(tmp_path: Path) -> None:
    (table,) = blocks("toml")
    (tmp_path / "models.toml").write_text(table)
    dogs = read_served(tmp_path / "models.toml", models())["dogs"]
    assert dogs.technique.name == "saliency"
    assert f"Without `technique` it is `{DEFAULT_TECHNIQUE}`" in PAGE
