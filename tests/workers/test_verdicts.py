"""A verdict is used again with the same weights, software and device only."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from catalog.custom_models import read_models
from catalog.models import ModelDescription, find_model
from tests.digits import make_digits
from workers.models.acceptance import Verdict
from workers.models.verdict_file import read_verdict, write_verdict
from workers.models.verdicts import find_verdict, keep_verdict, no_descriptions, runtime_of
from workers.toolkit.network.optimizations import Optimizations

CPU = torch.device("cpu")
DESCRIPTION = ModelDescription(
    model="resnet18",
    weights="sha256:1",
    parameters=1,
    rectifiers=0,
    layers=[],
    left_out=["channels_last"],
    unlisted={"fc": "It differs."},
    tested_with=runtime_of(CPU),
)


def test_a_published_verdict_holds_for_the_same_weights_and_software() -> None:
    verdict = find_verdict(find_model("resnet18"), "sha256:1", CPU, lambda _: DESCRIPTION)
    assert verdict == Verdict(Optimizations(channels_last=False), {"fc": "It differs."})


@pytest.mark.parametrize(
    "change",
    [
        {"weights": "sha256:2"},
        {"weights": None},
        {"tested_with": None},
        {"tested_with": runtime_of(torch.device("cuda"))},
        {"tested_with": runtime_of(CPU).replace("retinoscope", "retinoscope 0")},
    ],
)
def test_any_other_description_is_no_verdict(change: dict[str, str | None]) -> None:
    other = DESCRIPTION.model_copy(update=change)
    assert find_verdict(find_model("resnet18"), "sha256:1", CPU, lambda _: other) is None


def test_a_verdict_is_read_by_a_later_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETINOSCOPE_CACHE", str(tmp_path))
    entry, verdict = find_model("resnet18"), Verdict(Optimizations(False, True), {"fc": "It is."})
    keep_verdict(entry, "sha256:3", CPU, verdict)
    monkeypatch.setattr("workers.models.verdicts._OWN", {})
    assert find_verdict(entry, "sha256:3", CPU, no_descriptions) == verdict
    assert find_verdict(entry, "sha256:4", CPU, no_descriptions) is None
    assert read_verdict("resnet18", "sha256:3", "another version of torch") is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"optimizations": {"other": 1}}'])
def test_a_damaged_file_is_no_verdict_and_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setenv("RETINOSCOPE_CACHE", str(tmp_path))
    write_verdict("m", "w", "r", Verdict())
    (file,) = (tmp_path / "verdicts").iterdir()
    file.write_text(damage)
    assert read_verdict("m", "w", "r") is None
    write_verdict("m", "w", "r", Verdict())
    assert read_verdict("m", "w", "r") == Verdict()


def test_a_folder_that_cannot_be_written_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RETINOSCOPE_CACHE", str(tmp_path / "file"))
    write_verdict("m", "w", "r", Verdict())
    assert read_verdict("m", "w", "r") is None


def test_a_custom_model_is_tested_in_each_process(tmp_path: Path) -> None:
    entry = read_models(make_digits(tmp_path).file)["digits"]
    assert find_verdict(entry, "sha256:1", CPU, lambda _: DESCRIPTION) is None
    keep_verdict(entry, "sha256:1", CPU, Verdict())
    found = find_verdict(entry, "sha256:1", CPU, no_descriptions)
    assert found is not None and asdict(found) == asdict(Verdict())
