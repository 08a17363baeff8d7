"""`retinoscope run`: options in any order, one sentence for every mistake."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "retinoscope", "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)


def test_options_come_in_any_order(tmp_path: Path, coffee: bytes) -> None:
    (tmp_path / "photo.png").write_bytes(coffee)
    done = run(
        "saliency", "--target=class:967", "photo.png", "--seed", "7", "--out", "o", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "o" / "result.json").read_text())
    assert result["params"]["seed"] == 7 and result["summary"]["target"]["label"] == "espresso"
    assert (tmp_path / "o" / "overlay.png").exists()


def test_a_technique_without_image_takes_none(tmp_path: Path) -> None:
    done = run("filters", "--scale", "shared", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "filters.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("saliency",), "<image file>"),
        (("saliency", "text.txt"), "cannot be read"),
        (("saliency", "missing.png"), "'missing.png' cannot be read: no such file"),
        (("saliency", "text.txt", "text.txt"), "the command has two files"),
        (("saliency", "text.txt", "--chek"), "Did you mean --check?"),
        (("salience", "text.txt"), "Did you mean 'saliency'"),
        (("occlusion", "text.txt", "--stride", "0"), "stride"),
        (("occlusion", "text.txt", "--stride"), "--stride needs a value"),
        (("occlusion", "text.txt", "--stride", "--window", "3"), "--stride needs a value"),
        (("occlusion", "text.txt", "--window=3", "--window", "5"), "--window is given twice"),
        (("occlusion", "text.txt", "--cache", "false"), "--cache is an option of the server"),
        (("occlusion", "text.txt", "--deadline-s", "5"), "--deadline_s is an option of the server"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    (tmp_path / "text.txt").write_text("no picture")
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr
    assert not re.search(r"Traceback|Errno|\[\]|GET /", done.stderr)


def test_an_embedding_and_back(tmp_path: Path, coffee: bytes) -> None:
    (tmp_path / "photo.png").write_bytes(coffee)
    done = run("embed", "photo.png", "--layer", "blocks.0", "--out", "e", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    file = str(Path("e", "embedding.npy"))
    done = run("inversion", file, "--layer=blocks.0", "--steps=2", "--seed=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "image-1.png").exists()
    wrong = run("inversion", file, "--layer=blocks.1", "--steps=2", cwd=tmp_path)
    assert (
        wrong.returncode == 2
        and "[16, 112, 112]" in wrong.stderr
        and "[24, 56, 56]" in wrong.stderr
    )
    for arguments in (("inversion",), ("inversion", file, "photo.png")):
        neither = run(*arguments, cwd=tmp_path)
        assert neither.returncode == 2 and "<image file> or <embedding file>" in neither.stderr
