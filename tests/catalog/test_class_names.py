"""A class is named by its index or its label, and never by one that could be the other."""

import re

import pytest

from catalog.class_names import class_index
from catalog.errors import AmbiguousClass, UnknownClass
from catalog.models import find_model
from catalog.named_targets import read_targets
from catalog.registry import find_technique
from catalog.targets import parse_target

# The folders of a data set in alphabetical order, as torchvision's ImageFolder numbers them.
FOLDERS = ("1", "10", "11", "12", "2", "3", "4", "5", "6", "7", "8", "9")
DIGITS = tuple(map(str, range(10)))


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("#10", 10), ("# 10", 10), ('"10"', 1), ('" 10 "', 1), ("12", 3), ("0", 0), ('"8"', 10),
        ("#0", 0), ('"1"', 0),
    ],
)  # fmt: skip
def test_an_unambiguous_name_is_one_class(name: str, index: int) -> None:
    assert class_index(name, FOLDERS, "net") == index


def test_an_index_that_is_the_label_of_another_class_is_refused_with_a_form_for_each() -> None:
    sentence = (
        "'10' is ambiguous: index 10 (label '8') or label '10' (index 1). "
        'Write class:#10 for the index, or class:"10" for the label.'
    )
    with pytest.raises(AmbiguousClass, match=re.escape(sentence)) as refused:
        parse_target("class:10", FOLDERS, "net")
    assert refused.value.code == "ambiguous_class"
    assert [parse_target(f"class:{form}", FOLDERS, "net").index for form in ("#10", '"10"')] == [
        10,
        1,
    ]


def test_every_class_of_every_list_has_a_name() -> None:
    for labels in (FOLDERS, DIGITS, ("#1", "1", "a"), ('"1"', "1", "#0"), ("b", '"b"')):
        for index, label in enumerate(labels):
            assert class_index(f'"{label}"', labels, "net") == index


def test_a_label_that_is_its_own_index_is_no_riddle() -> None:
    assert [class_index(name, DIGITS, "net") for name in DIGITS] == list(range(10))
    assert class_index("07", DIGITS, "net") == 7


def test_forms_of_an_index_that_are_labels_themselves_are_refused_too() -> None:
    labels = ("a", "#0", "007", *"bcdefgh")
    for name, form in (("#0", "class:0 for the index"), ("007", "class:#7 for the index")):
        with pytest.raises(AmbiguousClass, match=form):
            class_index(name, labels, "net")


@pytest.mark.parametrize("name", ["12", "#12", '"12"', "#", '""', '"'])
def test_what_is_no_class_is_refused(name: str) -> None:
    with pytest.raises(UnknownClass):
        class_index(name, tuple("abcdefghijkl"), "net")


@pytest.mark.parametrize(
    ("technique", "field", "pointer", "value"),
    [
        ("saliency", "target", "/target", "class:10"),
        ("deep_dream", "targets", "/targets", "class:10*2"),
        ("activation_maximization", "target", "/target", "class:10"),
        ("fooling", "goal", "/goal", "10"),
        ("fooling", "goal", "/goal", "class:10"),
    ],
)
def test_every_parameter_that_names_a_class_refuses_it(
    technique: str, field: str, pointer: str, value: str
) -> None:
    entry = find_model("efficientnet_lite0")
    params = find_technique(technique).params.model_validate({field: value}).resolved(entry)
    with pytest.raises(AmbiguousClass) as refused:
        read_targets(params, FOLDERS)
    assert [violation.pointer for violation in refused.value.errors] == [pointer]


@pytest.mark.parametrize(("goal", "index"), [("#10", 10), ('"10"', 1), ('class:"10"', 1)])
def test_a_goal_has_the_same_forms(goal: str, index: int) -> None:
    entry = find_model("efficientnet_lite0")
    params = find_technique("fooling").params.model_validate({"goal": goal}).resolved(entry)
    assert [target.index for target in read_targets(params, FOLDERS)] == [index]
