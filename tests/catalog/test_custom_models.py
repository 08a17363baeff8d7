"""The TOML file of one's own models: what it becomes, and one sentence for every mistake."""

from pathlib import Path

import pytest

from catalog.custom_models import custom_models, read_models
from catalog.errors import BrokenModelFile
from catalog.model_entry import ModelEntry
from catalog.models import DEFAULT_MODEL, class_labels, find_model, models, published_names

FIELDS = {
    "builder": '"nets.small:build"',
    "weights": '"weights/small.pt"',
    "input_size": "32",
    "mean": "0.5",
    "std": "[0.2, 0.3, 0.4]",
    "classes": "3",
}


def written(folder: Path, name: str = "mine", without: str = "", **fields: str) -> Path:
    lines = [f"{key} = {value}" for key, value in (FIELDS | fields).items() if key != without]
    file = folder / "models.toml"
    file.write_text("\n".join([f"[models.{name}]", *lines]), encoding="utf-8")
    return file


def read(folder: Path, **fields: str) -> ModelEntry:
    return read_models(written(folder, **fields))["mine"]


def test_an_entry_becomes_a_model(tmp_path: Path) -> None:
    entry = read(
        tmp_path,
        arguments="{ width = 8 }",
        renames='{ "fc." = "head." }',
        recommended='{ filters = "c1" }',
    )
    assert (entry.name, entry.builder, entry.classes, entry.weights) == (
        "mine",
        "own",
        3,
        "small.pt",
    )
    assert entry.input_shape == (3, 32, 32)
    assert entry.preprocessing.mean == (0.5, 0.5, 0.5) and entry.preprocessing.std == (
        0.2,
        0.3,
        0.4,
    )
    assert (entry.preprocessing.resize, entry.preprocessing.fit) == (32, "crop")
    assert (entry.own.module, entry.own.function, entry.own.arguments) == (
        "nets.small",
        "build",
        {"width": 8},
    )
    assert entry.own.weights == tmp_path / "weights" / "small.pt"
    assert entry.own.renames == {"fc.": "head."} and entry.recommended == {"filters": "c1"}
    assert class_labels(entry) == ("class 0", "class 1", "class 2")


def test_grey_needs_one_number(tmp_path: Path) -> None:
    entry = read(tmp_path, channels="1", mean="[0.5]", std="0.25", resize="40")
    assert entry.input_shape == (1, 32, 32)
    assert (entry.preprocessing.std, entry.preprocessing.resize) == ((0.25,), 40)


def test_labels_are_a_list_or_a_file_and_count_the_classes(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("Bär\nWolf \n", encoding="utf-8")
    for given in ('["Bär", "Wolf"]', '"names.txt"'):
        entry = read(tmp_path, without="classes", labels=given)
        assert (entry.classes, class_labels(entry)) == (2, ("Bär", "Wolf"))


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    file = written(tmp_path)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert list(read_models(file)) == ["mine"]


def test_labels_of_a_list_are_compared_in_one_form(tmp_path: Path) -> None:
    entry = read(tmp_path, without="classes", labels='["fu\u0308nf", "vier"]')
    assert class_labels(entry) == ("f\u00fcnf", "vier")


def test_nothing_that_is_shown_holds_a_folder(tmp_path: Path) -> None:
    entry = read(tmp_path)
    assert str(tmp_path) not in entry.model_dump_json()
    assert str(tmp_path) not in repr(entry)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"without": "builder"}, ("builder: missing", "module:function")),
        ({"without": "mean"}, ("mean: missing", "[0.0]")),
        (
            {"builder": '"nets.small"'},
            ("builder", "'nets.small' is not of the form module:function"),
        ),
        ({"builder": '"os;system:x"'}, ("builder", "module:function")),
        ({"weigths": '"w.pt"'}, ("weigths: there is no such field. Did you mean 'weights'",)),
        ({"input_size": '"32"'}, ("input_size", "integer", "'32'")),
        ({"input_size": "0"}, ("input_size", "greater than or equal to 1")),
        ({"channels": "0"}, ("channels", "greater than or equal to 1")),
        ({"head": '"soft"'}, ("head", "'softmax', 'sigmoid', 'none' or 'raw'")),
        ({"head": '"softmax"', "classes": "1"}, ("head: the softmax of one class is always 1",)),
        ({"shown_channels": "[0, 1, 2]"}, ("shown_channels", "1 or 3 channels", "Remove it")),
        (
            {"channels": "5", "std": "0.2", "shown_channels": "[0, 5, 1]"},
            ("shown_channels: write three channels of 0 to 4",),
        ),
        (
            {"channels": "5", "std": "0.2", "shown_channels": "[0, 1]"},
            ("shown_channels: write three channels of 0 to 4",),
        ),
        ({"channels": "5", "std": "0.2", "mean": "900"}, ("mean, std", "send the arrays divided")),
        ({"dense": '"yes"'}, ("dense",)),
        ({"output": "[0.5]"}, ("output",)),
        ({"mean": "[0.5, 0.5]"}, ("mean: 2 numbers, but channels is 3",)),
        ({"std": "[1.0, 0.0, 1.0]"}, ("std: every number must be above 0",)),
        ({"std": '"big"'}, ("std", "valid number")),
        ({"mean": "nan"}, ("mean", "finite number")),
        ({"resize": "31"}, ("resize: 31 is less than input_size 32",)),
        ({"without": "classes"}, ("classes: missing",)),
        ({"labels": '["a", "b"]'}, ("labels: there are 2, but classes is 3",)),
        ({"labels": '["a", " ", "c"]'}, ("labels: label 2 is empty",)),
        ({"labels": '"gone.txt"'}, ("labels: the file 'gone.txt'", "cannot be read")),
        ({"name": "resnet50"}, ("'resnet50'", "taken")),
        ({"name": DEFAULT_MODEL}, ("taken",)),
        ({"name": '"timm:mine"'}, ("'timm:mine'", "letters")),
        ({"name": '"a/b"'}, ("'a/b'", "letters")),
    ],
)
def test_a_mistake_names_file_model_and_field(
    tmp_path: Path, fields: dict, words: tuple[str, ...]
) -> None:
    file = written(tmp_path, **fields)
    with pytest.raises(BrokenModelFile) as refused:
        read_models(file, published_names())
    for word in (str(file), fields.get("name", "mine").strip('"'), *words):
        assert word in refused.value.detail


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("models = 3", "[models.NAME]"),
        ("", "[models.NAME]"),
        ("[model.a]", "'model'"),
        ("[models", "not TOML"),
        ("\u00fc".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_file_of_another_shape(tmp_path: Path, text: str | bytes, word: str) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "models.toml").write_bytes(data)
    with pytest.raises(BrokenModelFile) as refused:
        read_models(tmp_path / "models.toml")
    assert word in refused.value.detail and "models.toml" in refused.value.detail


def test_a_file_that_is_not_there_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(tmp_path / "gone.toml"))
    with pytest.raises(
        BrokenModelFile, match=r"There is no file '.*gone.toml'. RETINOSCOPE_MODELS"
    ):
        custom_models(taken=())


def test_the_menu_has_them_behind_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(written(tmp_path)))
    models.cache_clear()
    try:
        assert list(models())[:3] == [DEFAULT_MODEL, "mine", "alexnet"]
        assert find_model("mine").own is not None
    finally:
        models.cache_clear()


def test_head_output_and_channels_of_an_entry(tmp_path: Path) -> None:
    plain = read(tmp_path)
    assert (plain.head, plain.head_by_default, plain.output, plain.dense) == (
        "softmax", True, (), False,
    )  # fmt: skip
    assert plain.preprocessing.shown_channels == (0, 1, 2)
    assert read(tmp_path, classes="1").head == "sigmoid"
    given = read(tmp_path, head='"none"', output='["heads", 1]', dense="true")
    assert (given.head, given.head_by_default, given.output, given.dense) == (
        "none", False, ("heads", 1), True,
    )  # fmt: skip
    assert [read(tmp_path, output=text).output for text in ('"out"', "0", "[-1]")] == [
        ("out",), (0,), (-1,),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("channels", "given", "shown"),
    [(1, None, (0,)), (2, None, (0,)), (4, None, (0, 1, 2)), (5, [3, 2, 1], (3, 2, 1)),
     (5, [4], (4,)), (2, [1], (1,))],
)  # fmt: skip
def test_pictures_show_three_channels_or_one(
    tmp_path: Path, channels: int, given: list[int] | None, shown: tuple[int, ...]
) -> None:
    more = {} if given is None else {"shown_channels": str(given)}
    entry = read(tmp_path, channels=str(channels), std="0.2", **more)
    assert entry.preprocessing.shown_channels == shown
    assert entry.input_shape == (channels, 32, 32)
    assert entry.preprocessing.takes_photographs == (channels in (1, 3))
