"""Your own model: from an nn.Module and its weights to a heatmap, without any code of ours."""

import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from safetensors.torch import save_file

from retinoscope.redis_server import free_port
from retinoscope.stack import Plan, running
from tests.tiny import photo

# The code that builds the network lies beside its weights. It needs no data and no GPU.
BUILDER = """
from torch import nn


def build(width):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3),
    )
"""

# An entry says how to build it, and how images were prepared when it was trained.
ENTRY = """
[models.pets]
builder = "pets_net:build"
arguments = { width = 8 }
weights = "pets.safetensors"
input_size = 32
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]
labels = ["cat", "dog", "fish"]
"""


def test_from_a_module_to_a_heatmap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Write both files, and save the weights as safetensors. Yours come from a training script.
    (tmp_path / "pets_net.py").write_text(BUILDER)
    (tmp_path / "models.toml").write_text(ENTRY)
    spec = importlib.util.spec_from_file_location("pets_net", tmp_path / "pets_net.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    save_file(module.build(width=8).state_dict(), tmp_path / "pets.safetensors")

    # Check the entry on the command line: the model is built, filled, run on noise and traced.
    command = [
        sys.executable,
        "-m",
        "retinoscope",
        "models",
        "check",
        str(tmp_path / "models.toml"),
    ]
    checked = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert checked.stdout.startswith("pets: ok. 32 × 32 colour, 3 classes"), checked.stderr

    # Start the service with one setting more.
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(tmp_path / "models.toml"))
    plan = Plan("127.0.0.1", free_port(), tmp_path / "data")
    with running(plan), httpx.Client(base_url=plan.address, timeout=90) as client:
        # The model is listed like any other, and so are its layers.
        assert client.get("/v1/models/pets").json()["classes"] == 3
        layers = client.get("/v1/models/pets/layers", params={"wait": 30}).json()
        assert "3" in [layer["path"] for layer in layers["items"]]

        # Explain a class by its label, or a channel of a layer. Every technique works.
        image = io.BytesIO()
        photo(60, 40).save(image, "PNG")
        for target in ("class:dog", "3:5"):
            answer = client.post(
                "/v1/jobs/saliency",
                data={"model": "pets", "target": target},
                files={"image": image.getvalue()},
                headers={"Prefer": "wait=60"},
            )
            job = answer.json()
            assert job["status"] == "succeeded", job["error"]

            # The raw values have the size of your network's input.
            (values,) = (a for a in job["result"]["artifacts"] if a["name"] == "values.npy")
            assert np.load(io.BytesIO(client.get(values["url"]).content)).shape == (32, 32)
