"""Served names: which there are, what they stand for, and one sentence for every mistake."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.errors import BrokenModelFile, UnknownModel
from catalog.models import find_model, models
from catalog.registry import techniques
from catalog.served_name import DEFAULT_TECHNIQUE, ServedName, read_served, takes_one_image
from catalog.served_names import MODEL_VARIABLE, NAME_VARIABLE, find_served, served_names

FIELDS = {
    "model": '"efficientnet_lite0"',
    "technique": '"saliency"',
    "params": '{ target = "class:285" }',
}


def written(folder: Path, name: str = "cats", **fields: str) -> Path:
    lines = [f"{key} = {value}" for key, value in (FIELDS | fields).items() if value]
    file = folder / "models.toml"
    file.write_text("\n".join([f'[served."{name}"]', *lines]))
    return file


def read(folder: Path, name: str = "cats", **fields: str) -> ServedName:
    return read_served(written(folder, name, **fields), models())[name]


@pytest.fixture
def fresh() -> Iterator[None]:
    """The environment is read again, as a new process reads it."""
    caches = (served_names, models)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def test_a_table_becomes_a_served_name(tmp_path: Path) -> None:
    cats = read(tmp_path)
    assert (cats.name, cats.model.name, cats.technique.name) == (
        "cats",
        "efficientnet_lite0",
        "saliency",
    )
    assert cats.params == {"target": "class:285"}


def test_technique_and_parameters_may_be_left_out(tmp_path: Path) -> None:
    plain = read(tmp_path, technique="", params="", model='"timm:resnet18"')
    assert (plain.model.name, plain.technique.name, plain.params) == (
        "timm:resnet18",
        DEFAULT_TECHNIQUE,
        {},
    )


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("my cats", {}, "served name 'my cats': a served name has at most 64 letters"),
        ("timm:cats", {}, "letters, digits, _ and -"),
        ("x" * 65, {}, "at most 64"),
        ("cats", {"model": '"resnet5000"'}, "There is no model 'resnet5000'. Did you mean"),
        ("cats", {"model": ""}, "model: missing. Name of the model, as listed"),
        ("cats", {"model": "5"}, "model: Input should be a valid string, not 5"),
        ("cats", {"technique": '"salience"'}, "Did you mean 'saliency'"),
        ("cats", {"technique": '"style_transfer"'}, "does not run on one image alone"),
        ("cats", {"technique": '"filters"'}, "does not run on one image alone"),
        ("cats", {"techniqe": '"saliency"'}, "there is no such field. Did you mean 'technique'?"),
        ("cats", {"params": "{ smples = 4 }"}, "Did you mean 'samples'?"),
        ("cats", {"params": "{ samples = 0 }"}, "samples: Must be greater"),
        ("cats", {"params": '{ model = "resnet18" }'}, "the model stands beside params"),
        ("cats", {"params": '{ target = "class:egyptian cta" }'}, "has no class 'egyptian cta'"),
        ("resnet18", {}, "the name is that of another model"),
    ],
)
def test_a_mistake_is_named_with_file_and_name(
    tmp_path: Path, name: str, fields: dict[str, str], words: str
) -> None:
    with pytest.raises(BrokenModelFile, match=re.escape(words)) as refused:
        read(tmp_path, name, **fields)
    assert f"models.toml, served name {name!r}" in refused.value.detail


def test_a_file_has_models_and_served_names_and_nothing_else(tmp_path: Path) -> None:
    file = written(tmp_path)
    file.write_text(file.read_text().replace("[served.", "[serves."))
    with pytest.raises(
        BrokenModelFile, match=r"'serves' does not belong there\. Did you mean 'ser"
    ):
        read_served(file, models())


def test_a_model_may_be_served_otherwise_under_its_own_name(tmp_path: Path) -> None:
    assert read(tmp_path, "efficientnet_lite0").technique.name == "saliency"


def test_names_that_the_routes_take_are_served_as_themselves() -> None:
    served = served_names()
    assert served.keys() == models().keys()  # no name of them has a dot or a colon
    assert all(each.technique.name == DEFAULT_TECHNIQUE for each in served.values())
    assert all(name == each.name == each.model.name for name, each in served.items())


def test_own_names_come_first_and_replace_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    file = written(tmp_path)
    file.write_text(file.read_text() + '\n[served.resnet18]\nmodel = "resnet18"\n'
                    'technique = "occlusion"\n')  # fmt: skip
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(file))
    assert list(served_names())[:2] == ["cats", "resnet18"]
    assert find_served("resnet18").technique.name == "occlusion"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("efficientnet_lite", "Did you mean 'efficientnet_lite0'"),
        ("timm:resnet18", "is not served, since KServe's routes take names of letters"),
        ("timm:explain", "There is no served name 'timm:explain'"),
    ],
)
def test_a_name_that_is_not_served(name: str, words: str) -> None:
    with pytest.raises(UnknownModel, match=re.escape(words)):
        find_served(name)


@pytest.mark.parametrize(
    ("of", "technique", "params"),
    [
        ("cats", "saliency", {"target": "class:285"}),
        ("resnet18", DEFAULT_TECHNIQUE, {}),
        ("timm:resnet18", DEFAULT_TECHNIQUE, {}),
    ],
)
def test_the_name_of_the_environment_stands_for_a_name_or_a_model(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh: None,
    of: str,
    technique: str,
    params: dict[str, str],
) -> None:
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(written(tmp_path)))
    monkeypatch.setenv(NAME_VARIABLE, "my-service")
    monkeypatch.setenv(MODEL_VARIABLE, of)
    served = find_served("my-service")
    assert (served.name, served.technique.name, served.params) == ("my-service", technique, params)
    assert list(served_names())[:2] == ["my-service", "cats"]


@pytest.mark.parametrize(
    ("name", "of", "words"),
    [
        ("my-service", "", "Set RETINOSCOPE_SERVED_MODEL to the model"),
        ("my service", "resnet18", "letters, digits, _ and -"),
        ("my-service", "resnet5000", "RETINOSCOPE_SERVED_MODEL: There is no model 'resnet5000'"),
        ("resnet18", "resnet50", "the name is served already"),
    ],
)
def test_a_name_of_the_environment_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, fresh: None, name: str, of: str, words: str
) -> None:
    monkeypatch.setenv(NAME_VARIABLE, name)
    monkeypatch.setenv(MODEL_VARIABLE, of)
    with pytest.raises(BrokenModelFile, match=re.escape(words)):
        served_names()


def test_the_name_of_a_model_needs_no_further_word(
    monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setenv(NAME_VARIABLE, "resnet18")
    monkeypatch.setenv(MODEL_VARIABLE, "resnet18")
    assert find_served("resnet18").model == find_model("resnet18")


def test_which_techniques_run_on_one_image() -> None:
    assert {name for name, each in techniques().items() if not takes_one_image(each)} == {
        "filters",
        "style_transfer",
        "top_patches",
    }


def test_no_technique_has_a_parameter_that_the_protocols_take_for_themselves() -> None:
    for technique in techniques().values():
        assert not {"technique", "outputs"} & technique.params.model_fields.keys()
        names = [spec.name for spec in technique.artifacts]
        assert not {"target", "score", "summary", "job", "values"} & set(names)
