"""The text form of a target: every form, every refusal, and nothing but these two."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.errors import (
    AmbiguousClass,
    CatalogError,
    InvalidTarget,
    UnknownChannel,
    UnknownClass,
    UnknownLayer,
    UnknownPosition,
)
from catalog.models import Layer, ModelDescription, labels
from catalog.targets import Target, check_target, parse_target
from catalog.weighted_targets import parse_weighted

IMAGENET = labels("imagenet")
LAYERS = [
    Layer(path="conv_stem", type="Conv2d", shape=[32, 112, 112], channels=32),
    Layer(path="blocks.4", type="Sequential", shape=[112, 14, 7], channels=112),
    Layer(path="blocks.4.0.conv_pw", type="Conv2d", shape=[480, 14, 14], channels=480),
    Layer(path="classifier", type="Linear", shape=[1000], channels=1000),
]
DESCRIPTION = ModelDescription(model="net", weights=None, parameters=1, rectifiers=1, layers=LAYERS)
FORMS = {
    "top": Target("top", "top"),
    "class:285": Target("class:285", "class", index=285),
    "class:0": Target("class:0", "class", index=0),
    "class: 7 ": Target("class: 7", "class", index=7),
    "class:Cardigan": Target("class:Cardigan", "class", index=264),
    "class:cardigan": Target("class:cardigan", "class", index=474),
    "class:Egyptian cat": Target("class:Egyptian cat", "class", index=285),
    "class:EGYPTIAN CAT": Target("class:EGYPTIAN CAT", "class", index=285),
    "blocks.4": Target("blocks.4", "layer", layer="blocks.4"),
    "blocks.4.0.conv_pw:20": Target(
        "blocks.4.0.conv_pw:20", "channel", layer="blocks.4.0.conv_pw", channel=20
    ),
    "blocks.4:111@13,6": Target(
        "blocks.4:111@13,6", "neuron", layer="blocks.4", channel=111, position=(13, 6)
    ),
    "blocks.4:0@center": Target(
        "blocks.4:0@center", "neuron", layer="blocks.4", channel=0, position="center"
    ),
    "classifier:999": Target("classifier:999", "channel", layer="classifier", channel=999),
}
UNREADABLE = [
    "", "  ", ":", ":3", "conv_stem:", "conv_stem:x", "conv_stem:-1", "conv_stem:1.5",
    "conv_stem@1,1", "conv_stem:1@", "conv_stem:1@1", "conv_stem:1@1,", "conv_stem:1@-1,0",
    "conv_stem:1@1,1,1", "conv_stem:1@middle", "a b:1@1, 1", "conv_stem :1", "conv_stem:1 @1,1",
    "../etc", "conv_stem:1@Center",
]  # fmt: skip


def read(text: str) -> Target:
    target = parse_target(text, IMAGENET, "net")
    check_target(target, DESCRIPTION)
    return target


@pytest.mark.parametrize("text", FORMS)
def test_every_form_is_read(text: str) -> None:
    assert read(text) == FORMS[text]
    assert read(f"  {text}\n") == FORMS[text]


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_target_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(InvalidTarget, match=re.escape("Write top, class:285")) as refused:
        read(text)
    assert [violation.pointer for violation in refused.value.errors] == ["/target"]


REFUSALS = {
    "class:egyptian kat": (
        UnknownClass,
        "no class 'egyptian kat'. Did you mean class:Egyptian cat",
    ),
    "class:1000": (UnknownClass, "classes 0 to 999"),
    "class:99999999999999999999": (UnknownClass, "classes 0 to 999"),
    "class:-1": (UnknownClass, "no class '-1'"),
    "class:": (UnknownClass, "no class ''"),
    "class:CARDIGAN": (
        AmbiguousClass,
        "'CARDIGAN' is ambiguous: 'Cardigan' (index 264) or 'cardigan' (index 474). "
        "Write class:#264 or class:#474.",
    ),
    "class:007": (UnknownClass, "'007' is not a label of model 'net'. If it is meant as the index"),
    "class:٣": (UnknownClass, "write it in the digits 0 to 9"),
    "class:#٣": (UnknownClass, "without zeros in front"),
    "conv_stem:٣": (InvalidTarget, "Write top, class:285"),
    "conv_stem:1@٣,1": (InvalidTarget, "Write top, class:285"),
    "conv_stm": (UnknownLayer, "no layer 'conv_stm'. Did you mean 'conv_stem'"),
    "blocks.4.0.conv_pv:3": (UnknownLayer, "Did you mean 'blocks.4.0.conv_pw'"),
    "blocks_4": (UnknownLayer, "/v1/models/net/layers"),
    "conv_stem:32": (UnknownChannel, "channels 0 to 31; channel 32 is outside"),
    "conv_stem:999999999": (UnknownChannel, "channels 0 to 31"),
    "classifier:1000@center": (UnknownChannel, "channels 0 to 999"),
    "blocks.4:3@14,0": (UnknownPosition, "positions 0,0 to 13,6 (y,x); 14,0 is outside"),
    "blocks.4:3@0,7": (UnknownPosition, "positions 0,0 to 13,6 (y,x); 0,7 is outside"),
    "classifier:3@0,0": (UnknownPosition, "is a vector, without positions"),
    "classifier:3@center": (UnknownPosition, "is a vector, without positions"),
}


@pytest.mark.parametrize("text", REFUSALS)
def test_what_does_not_exist_is_refused_with_what_does(text: str) -> None:
    error, sentence = REFUSALS[text]
    with pytest.raises(error, match=re.escape(sentence)):
        read(text)


def test_numbers_too_long_to_be_meant_are_refused_not_computed() -> None:
    for text in (
        "conv_stem:" + "9" * 5000,
        "conv_stem:1@" + "9" * 5000 + ",0",
        "class:" + "9" * 5000,
    ):
        with pytest.raises(CatalogError) as refused:
            read(text)
        assert len(refused.value.detail) < 400


# Names of real layers: torchvision's RegNet has hyphens, a bare nn.Sequential has numbers.
@pytest.mark.parametrize(
    "path", ["trunk_output.block1.block1-0.f.a.0", "0", "features.denseblock1.denselayer2", "Größe"]
)
def test_every_layer_that_is_listed_can_be_named(path: str) -> None:
    layers = [Layer(path=path, type="Conv2d", shape=[3, 4, 4], channels=3)]
    listed = ModelDescription(model="net", weights=None, parameters=1, rectifiers=1, layers=layers)
    for rest in ("", ":2", ":2@1,1", ":2@center"):
        target = parse_target(path + rest, IMAGENET, "net")
        check_target(target, listed)
        assert target.layer == path


PIECES = [
    "top",
    "class:",
    "conv_stem",
    "blocks.4",
    ":",
    "@",
    ",",
    "center",
    "3",
    "-",
    ".",
    "²",
    "٣",
    "285",
    "classifier",
]
pieces = st.sampled_from([*PIECES, " ", "\0"])
texts = st.text() | st.lists(pieces, max_size=8).map("".join) | st.integers().map("class:{}".format)


@settings(deadline=None, max_examples=400, database=None)
@given(texts)
@example("class:²")
@example("class:٣")
@example("\ud800")
@example("class:\ud800")
def test_any_text_is_a_target_or_a_catalog_error(text: str) -> None:
    try:
        target = read(text)
    except CatalogError as error:
        assert error.detail
        assert error.errors
    else:
        assert read(target.text) == target


def test_a_label_without_class_is_told_how_to_be_written() -> None:
    with pytest.raises(InvalidTarget, match="Write class:espresso"):
        parse_target("espresso", ("tench", "espresso"), "net")


def test_a_word_of_a_label_is_answered_with_the_labels_that_hold_it() -> None:
    with pytest.raises(UnknownClass, match="Did you mean class:tiger cat or class:Egyptian cat"):
        parse_target("class:cat", ("crate", "tiger cat", "Egyptian cat"), "net")


PETS = ("cat, domestic", "crane", "crane", "e@mail", "12", "5*3", "golden retriever")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("cat", "class:0"),
        ("domestic", "class:0"),
        ("mail", "class:3"),
        ("Golden", "class:golden retriever"),
        ("retriever golden", "class:golden retriever"),
        ("goldn retriever", "class:golden retriever"),
    ],
)
def test_a_hint_is_accepted_wherever_a_target_is(name: str, meant: str) -> None:
    """A label with a comma, sent as it is, would be split where several targets are accepted."""
    with pytest.raises(UnknownClass) as refused:
        parse_target(f"class:{name}", PETS, "net")
    assert f"Did you mean {meant}" in refused.value.detail
    [part] = parse_weighted(meant)
    assert parse_target(part.text, PETS, "net").index == {"class:0": 0, "class:3": 3}.get(meant, 6)


def test_a_word_without_class_is_answered_with_the_classes_that_hold_it() -> None:
    layers = [Layer(path="stem", type="Conv2d", shape=[3, 4, 4], channels=3)]
    known = ModelDescription(
        model="resnet18", weights=None, parameters=1, rectifiers=1, layers=layers
    )
    for text in ("dog", "dog:3"):
        with pytest.raises(UnknownLayer, match="Did you mean class:Maltese dog or class:"):
            check_target(parse_target(text, IMAGENET, "resnet18"), known)
    with pytest.raises(UnknownLayer, match="Did you mean 'stem'"):
        check_target(parse_target("steem", IMAGENET, "resnet18"), known)


def test_words_that_are_no_target_are_answered_with_the_classes_that_hold_them() -> None:
    with pytest.raises(InvalidTarget, match=r"cannot be read\. Did you mean class:Egyptian cat\?"):
        parse_target("cat egyptian", IMAGENET, "net")
