"""`retinoscope models check` and `models list`, and their messages for a broken file."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import save_file

from catalog.custom_model_table import CustomModelTable
from catalog.model_description import ModelDescription
from retinoscope.check_models import _remarks
from tests.digits import ENTRY, make_digits

DOCS = Path(__file__).parents[2] / "docs" / "models.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_digits(tmp_path_factory.mktemp("check")).file.parent


def run(*arguments: str, file: Path | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", *arguments]
    environment = os.environ | ({"RETINOSCOPE_MODELS": str(file)} if file else {})
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def test_a_good_file_passes(folder: Path) -> None:
    done = run("retinoscope", "models", "check", str(folder / "models.toml"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("digits: ok. 8 × 8 grey, 10 classes, ")
    assert "3 ReLUs" in done.stdout


def test_the_documentation_is_true(tmp_path: Path) -> None:
    """The example of docs/models.md, as it stands there."""
    text = DOCS.read_text(encoding="utf-8")
    source = re.search(r"```python\n(# digits_net.py.*?)```", text, re.DOTALL)[1]
    (tmp_path / "digits_net.py").write_text(source)
    (tmp_path / "models.toml").write_text(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1])
    exec(source, made := {})
    save_file(made["build"](16).state_dict(), tmp_path / "digits.safetensors")
    done = run("retinoscope", "models", "check", str(tmp_path / "models.toml"))
    assert (done.returncode, done.stdout) == (
        0,
        re.search(r"^digits: ok.*\n", text, re.MULTILINE)[0],
    ), done.stderr
    assert set(re.findall(r"`(\w+)`", text[text.index("| field |") :])) >= set(
        CustomModelTable.model_fields
    )


def test_each_model_is_checked_and_one_that_fails_fails_all(folder: Path) -> None:
    bad = folder / "bad.toml"
    entries = [
        ENTRY.replace("models.digits", "models.wide").replace("width = 16", "width = 20"),
        ENTRY.replace("models.digits", "models.lost").replace(
            "digits.safetensors", "lost.safetensors"
        ),
        ENTRY.replace("models.digits", "models.advised").replace('"5"', '"conv9"'),
        ENTRY.replace("models.digits", "models.traced").replace("net:build", "net:fickle"),
        ENTRY,
    ]
    bad.write_text("\n".join(entries))
    net = folder / "digits_net.py"
    net.write_text(net.read_text() + FICKLE)
    done = run("retinoscope", "models", "check", str(bad))
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and "Traceback" not in done.stderr and len(lines) == 5
    assert lines[0].startswith(
        "wide: '0.weight' is (16, 1, 3, 3) in 'digits.safetensors' but (20, 1, 3, 3)"
    )
    assert lines[1] == "lost: The weights file 'lost.safetensors' is not on the worker's machine."
    assert lines[2].startswith(
        "advised: recommended.grad_cam: there is no layer 'conv9'. Layers: 0, 1, 2"
    )
    assert lines[3].startswith("traced: The output of 'traced' for an image differs when the image")
    assert lines[4].startswith("digits: ok.")


FICKLE = """

class Fickle(nn.Sequential):
    def forward(self, x):
        return super().forward(x) if float(x.sum()) > 0 else super().forward(-x)


def fickle(width):
    return Fickle(*build(width))
"""


@pytest.mark.parametrize(
    "command",
    [
        ("retinoscope", "models", "list"),
        ("retinoscope", "serve"),
        ("retinoscope", "api"),
        ("celery", "-A", "workers.app", "worker", "-Q", "fast"),
    ],
)
def test_a_broken_file_is_one_sentence_at_the_start(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "models.toml"
    file.write_text(ENTRY.replace("input_size = 8", 'input_size = "8"'))
    done = run(*command, file=file)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert (
        f"retinoscope: {file}, model 'digits', input_size: "
        "Input should be a valid integer, not '8'." in done.stderr
    )


def test_the_list_has_own_models_and_timms_when_asked(folder: Path) -> None:
    done = run("retinoscope", "models", "list", file=folder / "models.toml")
    assert (
        "digits  8 × 8 × 1  10 classes  own model: digits_net:build, digits.safetensors"
        in done.stdout
    )
    assert "timm:" not in done.stdout
    assert (
        "timm:resnet18  224 × 224 × 3  1000 classes"
        in run("retinoscope", "models", "list", "resnet18").stdout
    )


def test_the_first_unlisted_layers_are_named_and_the_others_counted() -> None:
    description = ModelDescription.model_construct(
        left_out=[], gradient=True, unlisted={f"block{n}": "it returns a tuple." for n in range(5)}
    )
    assert _remarks(description) == (
        " The layer 'block0' is not listed: it returns a tuple."
        " The layer 'block1' is not listed: it returns a tuple."
        " The layer 'block2' is not listed: it returns a tuple."
        " 2 more layers are not listed."
    )
