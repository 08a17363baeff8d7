"""`retinoscope submit` and `retinoscope jobs` on a real server, and what they say of mistakes."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.api_keys import KeyRing
from jobs.settings import Settings
from retinoscope.arguments import SERVER_OPTIONS
from retinoscope.cli import main
from retinoscope.stack import Stack
from service.job_request import JobOptions
from tests.service.conftest import Serve, broker, serve

__all__ = ["broker", "serve"]

Command = Callable[..., tuple[int, str, str]]
HTTP = re.compile(r"(GET|POST) /|-F \w|curl|Errno|\[\]|Authorization")


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    stack: Stack,
    coffee: bytes,
) -> Command:
    """Return a function that runs a command in this process: exit status, output and errors."""
    monkeypatch.setenv("RETINOSCOPE_URL", stack.plan.address)
    monkeypatch.delenv("RETINOSCOPE_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(coffee)
    Path("text.txt").write_text("no picture")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["retinoscope", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return (int(ended.value.code or 0), *capsys.readouterr())

    return run


def test_a_result_is_written_as_by_run(command: Command) -> None:
    status, printed, errors = command(
        "submit", "saliency", "photo.png", "--target=class:967", "--seed", "7", "--out", "o"
    )
    assert (status, errors) == (0, "")
    assert printed.split() == [
        f"o/{name}" for name in ("heatmap.png", "overlay.png", "values.npy", "result.json")
    ]
    result = json.loads(Path("o", "result.json").read_text())
    assert result["params"]["seed"] == 7 and result["summary"]["target"]["label"] == "espresso"
    assert Path("o", "overlay.png").stat().st_size > 1000


def test_several_images_are_several_jobs(command: Command, chelsea: bytes) -> None:
    Path("cat.png").write_bytes(chelsea)
    images = ("photo.png", "cat.png", "text.txt")
    status, printed, errors = command("submit", "predict", *images, "--out", "o")
    assert status == 2 and printed.split() == ["o/photo/result.json", "o/cat/result.json"]
    assert "text.txt: Send PNG" in errors and "1 of 3 jobs failed" in errors
    labels = [
        json.loads(Path("o", name, "result.json").read_text())["summary"]["predictions"][0]["label"]
        for name in ("photo", "cat")
    ]
    assert labels == ["espresso", "tiger cat"]


def test_a_folder_becomes_an_image_set(command: Command, chelsea: bytes) -> None:
    Path("set").mkdir()
    Path("set", "cat.png").write_bytes(chelsea)
    Path("set", "notes.txt").write_text("no picture")
    status, printed, errors = command(
        "submit", "top_patches", "--image-set", "set", "--target", "conv_stem:3", "--k", "1"
    )
    assert status == 0 and "out/patches.png" in printed
    assert "Left out set/notes.txt" in errors and "1 images" in errors


def test_a_job_from_submission_to_deletion(command: Command) -> None:
    status, printed, _ = command(
        "submit", "deep_dream", "photo.png", "--size", "160", "--steps", "400", "--no-wait"
    )
    job_id = printed.strip()
    assert status == 0 and re.fullmatch("[0-9a-f]{32}", job_id)
    assert job_id in command("jobs")[1]
    assert json.loads(command("jobs", "show", job_id)[1])["params"]["steps"] == 400
    assert command("jobs", "cancel", job_id)[0] == 0
    status, _, errors = command("jobs", "wait", job_id)
    assert status == 2 and "was canceled" in errors
    assert job_id in command("jobs", "list", "--status", "canceled")[1]
    assert command("jobs", "delete", job_id)[0] == 0
    assert "There is no such job" in command("jobs", "show", job_id)[2]


def test_jobs_are_found_by_their_labels(command: Command) -> None:
    label = ("--label", "run=of the command line")
    job_id = command("submit", "predict", "photo.png", "--no-wait", *label)[1].strip()
    assert [line.split()[0] for line in command("jobs", "list", *label)[1].splitlines()] == [job_id]


def test_the_files_of_an_earlier_job_are_fetched(command: Command) -> None:
    job_id = command("submit", "saliency", "photo.png", "--no-wait")[1].strip()
    assert f"{job_id} succeeded" in command("jobs", "wait", job_id)[1]
    assert "o/overlay.png" in command("jobs", "fetch", job_id, "--out", "o")[1]
    assert Path("o", "result.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("submit", "saliency"), "the command has no file. Write: retinoscope submit saliency"),
        (("submit", "saliency", "no.png"), "'no.png' cannot be read: no such file"),
        (("submit", "saliency", "."), "'.' cannot be read: is a directory"),
        (("submit", "saliency", "text.txt"), "text.txt: Send PNG"),
        (("submit", "salience", "photo.png"), "`retinoscope techniques`"),
        (("submit", "occlusion", "photo.png", "--stride", "0"), "--stride: Must be"),
        (("submit", "occlusion", "photo.png", "--strid", "8"), "Did you mean --stride?"),
        (("submit", "occlusion", "photo.png", "--fill", "green"), "--fill: Must be 'gray'"),
        (("submit", "saliency", "photo.png", "--target", "blocks.99:1"), "`retinoscope models lay"),
        (("submit", "saliency", "photo.png", "--target", "class:x y"), "`retinoscope models class"),
        (("submit", "predict", "photo.png", "--model", "resnet81"), "`retinoscope models list`"),
        (("submit", "saliency", f"sha256:{'0' * 64}"), "Name its file: --image photo.jpg"),
        (("submit", "top_patches", "--image-set=no", "--target=conv_stem:3"), "Name a folder"),
        (("submit", "saliency", "photo.png", "--label", "x"), "written name=value"),
        (("submit", "saliency", "photo.png", "--url", "here"), "not the URL of a server"),
        (("submit", "saliency", "photo.png", "--url", "http://127.0.0.1:1"), "`retinoscope serve`"),
        (("submit", "fooling", "--goal", "lion"), "--image photo.jpg"),
        (("jobs", "show", "nonsense"), "There is no such job"),
        (("jobs", "wait", "0" * 32), "There is no such job"),
    ],
)
def test_a_mistake_is_a_sentence_of_the_command_line(
    command: Command, arguments: tuple[str, ...], words: str
) -> None:
    status, _, errors = command(*arguments)
    assert status == 2 and words in errors, errors
    assert not HTTP.search(errors) and "Traceback" not in errors


def test_a_server_with_keys(command: Command, serve: Serve, settings: Settings) -> None:
    key = KeyRing(settings.keys_location).create("alice")
    url = str(serve(settings).base_url)
    status, _, errors = command("jobs", "list", "--url", url)
    assert status == 2 and "set RETINOSCOPE_KEY" in errors and not HTTP.search(errors)
    assert command("jobs", "list", "--url", url, "--key", key)[:2] == (0, "")


@pytest.mark.parametrize("name", ["run", "submit"])
def test_help_shows_the_parameters(command: Command, name: str) -> None:
    shown = command(name, "occlusion", "--help")[1]
    assert "--fill gray | mean | black | white | blur" in shown and "[gray]" in shown
    assert "--window (whole number ≥ 1 and ≤ 4,096)" in shown and not HTTP.search(shown)
    assert "grad_cam" in command(name, "--help")[1]
    assert "grad_cam" in command(name, "--help", "nonsense")[1]


def test_the_options_are_those_of_the_service() -> None:
    """But labels, which are written as --label name=value."""
    assert SERVER_OPTIONS.keys() == JobOptions.model_fields.keys() - {"labels"}
