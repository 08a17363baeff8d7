"""The lists of the command line say everything that a command needs."""

import re

import pytest

from catalog.errors import UnknownTechnique
from catalog.registry import techniques
from retinoscope.list_techniques import describe_technique, list_techniques


def test_every_technique_has_a_line() -> None:
    lines = list(list_techniques())
    assert [line.split()[0] for line in lines] == list(techniques())
    assert all(
        technique.title in line
        for technique, line in zip(techniques().values(), lines, strict=True)
    )


@pytest.mark.parametrize("name", techniques())
def test_every_parameter_and_image_is_described(name: str) -> None:
    text, technique = "\n".join(describe_technique(name)), techniques()[name]
    for parameter in (*technique.params.model_fields, *(image.name for image in technique.inputs)):
        assert f"--{parameter}" in text


def test_defaults_are_shown() -> None:
    assert "[max_abs]" in "\n".join(describe_technique("saliency"))


def test_allowed_values_are_listed() -> None:
    text = "\n".join(describe_technique("fooling"))
    assert "--start noise | zero\n" in text and "--mode adversarial | rubbish\n" in text
    assert "--steps (whole number ≥ 2 and ≤ 2,000)\n" in text
    assert "--confidence (number > 0 and ≤ 0.999999)\n" in text
    assert "--seed (whole number ≥ 0)\n" in text
    assert "--check true | false\n" in "\n".join(describe_technique("saliency"))
    assert "[false]" in "\n".join(describe_technique("saliency"))


@pytest.mark.parametrize("name", techniques())
def test_every_choice_and_number_has_its_values(name: str) -> None:
    text, schema = "\n".join(describe_technique(name)), techniques()[name].params
    for parameter, part in schema.model_json_schema()["properties"].items():
        kinds = part.get("anyOf", [part])
        if any("enum" in kind or kind.get("type") in ("integer", "number") for kind in kinds):
            assert f"--{parameter} " in text, parameter


@pytest.mark.parametrize("name", techniques())
def test_nothing_speaks_of_http(name: str) -> None:
    text = "\n".join(describe_technique(name))
    assert not re.search(r"(GET|POST) /|-F \w", text)


def test_optional_inputs_are_marked() -> None:
    assert "\n".join(describe_technique("inversion")).count("(one of image, embedding)") == 2
    assert "(optional)" in "\n".join(describe_technique("fooling"))
    assert "(optional)" not in "\n".join(describe_technique("saliency"))


def test_an_unknown_one_is_refused_with_what_is_near() -> None:
    with pytest.raises(UnknownTechnique, match="saliency"):
        list(describe_technique("salience"))
