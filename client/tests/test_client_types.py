"""The types of both clients, as a user's type checker sees them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
from typing import Any, assert_type
import numpy as np
from retinoscope_client import (
    AsyncClient, AsyncJob, AsyncResult, Client, File, ImageSet, Job, Result
)

rs = Client()
job = assert_type(rs.saliency("a.png", samples=3, labels={"a": "b"}), Job)
result = assert_type(job.wait(), Result)
assert_type(result["overlay.png"], File)
assert_type(result.values, np.ndarray[Any, Any])
assert_type(rs.predict("a.png"), Result)
assert_type(rs.image_set("x"), ImageSet)
assert_type(rs.jobs(), list[Job])
rs.saliency("a.png", reduce="wrong")
rs.saliency("a.png", sample=3)
rs.top_patches(image_set="x")

async def main() -> None:
    rs = AsyncClient()
    job = assert_type(await rs.saliency(b"x"), AsyncJob)
    result = assert_type(await job.wait(), AsyncResult)
    assert_type(await result.fetch("x"), File)
    assert_type(await rs.jobs(), list[AsyncJob])
"""


@pytest.mark.slow
def test_types_are_exact_and_mistakes_are_found(tmp_path: Path) -> None:
    (tmp_path / "typed.py").write_text(CODE)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "typed.py"]
    client = {"MYPYPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | client, capture_output=True, text=True
    )
    found = re.findall(r'error: .*?"(reduce|sample|target)".*\[([a-z-]+)\]', done.stdout)
    assert found == [("reduce", "arg-type"), ("sample", "call-arg"), ("target", "call-arg")]
    assert "Found 3 errors" in done.stdout, done.stdout
