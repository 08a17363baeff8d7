"""What is shipped has licences that are allowed, and the page and the SBOM say which."""

import json
import platform
import sys
from importlib.metadata import metadata

import pytest

from tests import licences
from tests.licences import NVIDIA, PAGE, ROLES, packages, parts, problems, table
from tests.sbom import shipped

# The licences of other systems' wheels may differ.
pytestmark = pytest.mark.skipif(
    (sys.platform, platform.machine(), sys.version_info[:2]) != ("linux", "x86_64", (3, 11)),
    reason="the images are of Linux x86-64 with Python 3.11",
)


def test_every_licence_is_allowed() -> None:
    assert problems() == []


def test_the_page_has_the_table() -> None:
    assert PAGE.read_text().endswith(table()), "run python -m tests.licences"


def test_the_api_ships_nothing_of_pytorch_or_nvidia() -> None:
    api, worker = map(set, map(packages, ROLES))
    assert {"fastapi", "celery", "pillow"} <= api and {"torch", "nvidia-cublas"} <= worker - api
    assert not any(NVIDIA in licences.licence(name) for name in api)
    assert "colorama" not in api | worker, "of Windows"


@pytest.mark.parametrize(
    ("package", "stated", "words"),
    [
        ("celery", "AGPL-3.0-only", "the licence AGPL-3.0-only"),
        ("celery", "MIT AND (GPL-2.0 OR BSD)", "the licence GPL-2.0"),
        ("celery", "LGPL-3.0", "not allowed for it"),
        ("celery", NVIDIA, "not allowed for it"),
        ("celery", "", "states no licence"),
        ("not-installed", None, "not installed"),
    ],
)
def test_what_is_not_allowed_or_unknown_is_told(
    monkeypatch: pytest.MonkeyPatch, package: str, stated: str | None, words: str
) -> None:
    monkeypatch.setattr(licences, "_shipped", lambda: [package])
    if stated is not None:
        monkeypatch.setattr(licences, "licence", lambda _: stated)
    assert any(words in sentence for sentence in problems())


def test_expressions_are_split() -> None:
    assert parts("(MIT OR Apache-2.0) AND Apache-2.0 WITH LLVM-exception") == [
        "MIT",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
    ]


def test_words_of_older_packages_are_read() -> None:
    assert metadata("amqp").get("License-Expression") is None
    assert licences.licence("amqp") == "BSD"
    assert licences.licence("pi-heif-decoder") == "BSD-3-Clause AND LGPL-3.0"


def test_the_sbom_of_a_role_has_its_packages_alone() -> None:
    whole = {
        "bomFormat": "CycloneDX",
        "metadata": {"component": {"bom-ref": "root", "name": "retinoscope"}},
        "components": [
            {"bom-ref": f"{name}==1", "name": name, "licenses": [{"expression": "MIT"}]}
            for name in ("Celery", "typing_extensions", "pytest")
        ]
        + [{"bom-ref": "torch==1", "name": "torch"}],
        "dependencies": [
            {"ref": "root", "dependsOn": ["Celery==1", "pytest==1"]},
            {"ref": "pytest==1", "dependsOn": ["Celery==1"]},
            {"ref": "Celery==1"},
        ],
    }
    document = shipped(whole, "api", ["celery", "torch", "typing-extensions"])
    assert [one["name"] for one in document["components"]] == [
        "Celery",
        "torch",
        "typing_extensions",
    ]
    assert "Apache-2.0" in json.dumps(document["components"][1]["licenses"])
    assert document["dependencies"] == [
        {"ref": "root", "dependsOn": ["Celery==1"]},
        {"ref": "Celery==1", "dependsOn": []},
    ]
    assert document["metadata"]["component"]["name"] == "retinoscope-api"
    with pytest.raises(ValueError, match="absent"):
        shipped(whole, "api", ["absent"])
