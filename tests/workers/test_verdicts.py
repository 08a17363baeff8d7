"""A verdict is used again with the same weights, software and device only."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from catalog.custom_models import read_models
from catalog.models import ModelDescription, find_model
from tests.digits import make_digits
from workers.models.acceptance import Verdict
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


def test_a_custom_model_is_tested_in_each_process(tmp_path: Path) -> None:
    entry = read_models(make_digits(tmp_path).file)["digits"]
    assert find_verdict(entry, "sha256:1", CPU, lambda _: DESCRIPTION) is None
    keep_verdict(entry, "sha256:1", CPU, Verdict())
    found = find_verdict(entry, "sha256:1", CPU, no_descriptions)
    assert found is not None and asdict(found) == asdict(Verdict())
