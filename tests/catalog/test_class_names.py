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


ARABIC = ("٣", "b", "c", "d", "e")


@pytest.mark.parametrize("name", ["07", "#07", "00", "٣", "#٣", "３", "# 0٣"])
def test_an_index_has_ascii_digits_without_zeros_in_front(name: str) -> None:
    """Python reads every one of these as a number."""
    assert int(name.strip("# ")) in (0, 3, 7)
    with pytest.raises(UnknownClass, match="in the digits 0 to 9, without zeros in front"):
        class_index(name, DIGITS, "net")


def test_digits_of_another_script_are_a_label_and_no_index() -> None:
    for name in ("٣", '"٣"'):
        assert class_index(name, ARABIC, "net") == 0
    with pytest.raises(UnknownClass):
        class_index("#٣", ARABIC, "net")
    assert class_index("3", ARABIC, "net") == 3


ANIMALS = ("Dog", "cat", "dog", "Cat", "CAT", "bird", "bird")


@pytest.mark.parametrize(
    ("name", "index"), [("Dog", 0), ("dog", 2), ('"dog"', 2), ("CAT", 4), ("cat", 1), ("Cat", 3)]
)
def test_the_label_in_exactly_that_case_wins(name: str, index: int) -> None:
    assert class_index(name, ANIMALS, "net") == index


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "DOG",
            "'DOG' is ambiguous: 'Dog' (index 0) or 'dog' (index 2). Write class:#0 or class:#2.",
        ),
        ("bird", "'bird' (index 5) or 'bird' (index 6). Write class:#5 or class:#6."),
        ("cAt", "'cat' (index 1) or 'Cat' (index 3) or 'CAT' (index 4)."),
    ],
)
def test_a_text_that_is_several_labels_is_refused_with_all_of_them(
    name: str, sentence: str
) -> None:
    with pytest.raises(AmbiguousClass, match=re.escape(sentence)):
        class_index(name, ANIMALS, "net")


def test_of_a_thousand_equal_labels_a_few_are_listed() -> None:
    with pytest.raises(AmbiguousClass, match="or 997 others") as refused:
        class_index("unused", ("unused",) * 1000, "net")
    assert len(refused.value.detail) < 200


def test_forms_of_an_index_that_are_labels_themselves_are_refused_too() -> None:
    labels = ("a", "#0", "007", *"bcdefgh")
    with pytest.raises(AmbiguousClass, match="class:0 for the index"):
        class_index("#0", labels, "net")
    assert class_index("007", labels, "net") == 2


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
