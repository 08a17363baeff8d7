"""The committed results of the zoo are what the page says, and a slice of them is made anew."""

import json
from pathlib import Path

import pytest

from tests.zoo import page, results
from tests.zoo.architectures import ARCHITECTURES
from tests.zoo.examination import examine

# Small ones of four kinds: convolutions, a network of dense links, a ConvNeXt, a transformer.
SLICE = ("squeezenet1_1", "densenet_s", "convnext_s", "vit_s")
BEFORE = json.loads(Path(__file__).with_name("before.json").read_text(encoding="utf-8"))
RESULTS = results.read()

# (architecture, technique) → why what succeeded in 0.1.0 is refused now: the fault that it was.
REFUSED_SINCE: dict[tuple[str, str], str] = {
    (
        "vit_tiny_patch16_224",
        "am_other_size",
    ): "Version 0.1.0 refuses 96 pixels for 64, too; its table had asked for the model's own size.",
}


def test_there_are_enough_architectures() -> None:
    assert len(ARCHITECTURES) >= 70
    assert RESULTS.keys() <= ARCHITECTURES.keys()


def test_nothing_failed_no_map_is_shallow_and_all_agrees_with_the_module() -> None:
    assert results.failures(RESULTS) == []


def test_what_succeeded_before_is_refused_only_for_a_fault_that_is_named() -> None:
    refused = {
        (name, key)
        for name, keys in BEFORE.items()
        for key in keys
        if name in RESULTS and RESULTS[name].get("techniques", {}).get(key) != "ok"
    }
    assert refused == REFUSED_SINCE.keys()


def test_the_page_shows_the_committed_results() -> None:
    assert page.FILE.read_text(encoding="utf-8") == page.page(RESULTS)


@pytest.mark.filterwarnings("ignore")  # of the libraries that build the architectures
@pytest.mark.parametrize("name", SLICE)
def test_the_slice_does_what_was_committed(name: str) -> None:
    found = results.of_records({name: examine(name)})
    assert results.failures(found) == []
    assert results.changes({name: RESULTS[name]}, found) == []
