"""What the command line says, a user of the command line can do."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog.errors import CatalogError
from catalog.listings import LISTINGS, Listing
from catalog.models import find_model, labels
from catalog.registry import find_technique
from catalog.targets import parse_target
from retinoscope.arguments import split_arguments
from retinoscope.cli import main
from retinoscope.wording import on_command_line

Command = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]
HTTP = re.compile(r"(GET|POST) /|-F \w|curl|\?query=")


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Return a function that runs a command in this process: exit status, output and errors.

    A process of its own would load torch for every case.
    """

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["retinoscope", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return (int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.mark.parametrize("listing", LISTINGS)
def test_every_listing_is_replaced(listing: Listing) -> None:
    text = on_command_line(f"There is none. {listing.of('timm:resnet18')}")
    assert text == f"There is none. {listing.command.format(model='timm:resnet18')}"
    assert not HTTP.search(text)


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("Send the image: -F image=@photo.jpg. (Or", "Send the image: --image photo.jpg. (Or"),
        ("Add -F start=image, or leave", "Add --start image, or leave"),
        (
            "With start=image, send it, or set mode=rubbish.",
            "With --start image, send it, or set --mode rubbish.",
        ),
        ("the layer of the embedding: -F layer=….", "the layer of the embedding: --layer …."),
        ("Add images with POST /v1/image-sets/{id}/images.", "Name a folder with images."),
    ],
)
def test_parts_of_forms_become_parameters(text: str, here: str) -> None:
    assert on_command_line(text) == here


def sentences() -> Iterator[str]:
    """Yield the texts of catalog, toolkit and techniques that speak of HTTP, but of their code.

    A part of a text that is computed is `photo`.
    """
    folders = (ROOT / "catalog", ROOT / "workers" / "toolkit", ROOT / "workers" / "techniques")
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        if path.name == "listings.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [getattr(part, "value", "photo") for part in node.values]
                text = "".join(part if isinstance(part, str) else "photo" for part in parts)
            else:
                text = node.value if isinstance(node, ast.Constant) else ""
            if isinstance(text, str) and HTTP.search(text):
                yield text


@pytest.mark.parametrize("text", sorted(set(sentences())))
def test_every_text_that_speaks_of_http_is_replaced(text: str) -> None:
    assert not HTTP.search(on_command_line(text)), on_command_line(text)


@pytest.mark.parametrize("name", ["class:no such", "class:1000", "class:cat"])
def test_errors_of_targets(name: str) -> None:
    with pytest.raises(CatalogError) as refused:
        parse_target(name, labels("imagenet"), "resnet18")
    text = on_command_line(refused.value.detail)
    assert "`retinoscope models classes resnet18 TEXT`" in text and not HTTP.search(text)


@pytest.mark.parametrize("name", ["resnet81", "timm:resnet81"])
def test_errors_of_models(name: str) -> None:
    with pytest.raises(CatalogError) as refused:
        find_model(name)
    text = on_command_line(refused.value.detail)
    assert "`retinoscope models list" in text and not HTTP.search(text)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "salience"), "`retinoscope techniques`"),
        (("run", "filters", "--model", "resnet81"), "`retinoscope models list`"),
        (("run", "saliency", "p.png", "--target", "class:x"), "`retinoscope models classes"),
        (("run", "fooling", "--goal", "class:7"), "--image photo.jpg"),
        (("run", "filters", "--layer", "conv_stm"), "`retinoscope models layers"),
        (("techniques", "salience"), "`retinoscope techniques`"),
        (("models", "layers", "resnet81"), "`retinoscope models list`"),
    ],
)
def test_commands(
    command: Command, tmp_path: Path, coffee: bytes, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "p.png").write_bytes(coffee)
    status, _, errors = command(*arguments)
    assert status == 2 and words in errors, errors
    assert not HTTP.search(errors) and "Traceback" not in errors


def test_classes_and_layers_are_listed(command: Command) -> None:
    assert command("models", "classes", "resnet18", "egyptian")[1] == "   285  Egyptian cat\n"
    _, layers, errors = command("models", "layers", "squeezenet1_1")
    assert "features.0" in layers and "64 × 111 × 111" in layers, errors


@pytest.mark.parametrize(
    ("arguments", "files", "check"),
    [
        (["p.jpg", "--check"], ["p.jpg"], "true"),
        (["--check", "p.jpg"], ["p.jpg"], "true"),
        (["--check", "--target", "top", "p.jpg"], ["p.jpg"], "true"),
        (["--check", "false", "p.jpg"], ["p.jpg"], "false"),
        (["--check=no", "p.jpg"], ["p.jpg"], "no"),
    ],
)
def test_true_or_false_needs_no_value(arguments: list[str], files: list[str], check: str) -> None:
    found, fields = split_arguments(find_technique("saliency"), arguments)
    assert (found, fields["check"]) == (files, check)
