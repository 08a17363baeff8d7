"""timm's models are loaded through timm's own code.

The weights lie in the Hub's cache, where the test has put them.
"""

import io
import json
from importlib.resources import files
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from catalog.errors import UnknownModel
from catalog.models import class_labels, find_model
from catalog.problems import PROBLEMS
from tests.tiny import photo
from workers.models.errors import WeightsDamaged, WeightsRefused, WeightsUnavailable
from workers.models.load import digest, load_model, preprocessing_of
from workers.models.timm_table import table

CPU = torch.device("cpu")
NAME = "timm:test_resnet"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot folder of one model in an empty cache; nothing can be fetched."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    repository = tmp_path / f"models--timm--{find_model(NAME).weights}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    return snapshot


def test_the_table_agrees_with_the_installed_timm() -> None:
    stored = json.loads((files("catalog") / "data" / "timm.json").read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(table()))


def test_a_timm_model_gets_its_published_weights(cache: Path) -> None:
    theirs = timm.create_model("test_resnet", pretrained=False).eval()
    save_file(theirs.state_dict(), cache / "model.safetensors")
    model = load_model(find_model(NAME), CPU)
    x = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(model.network.logits(x), theirs(x), rtol=1e-3, atol=1e-4)
    assert model.weights == digest(theirs.state_dict()) and model.labels[285] == "Egyptian cat"


SEEN = [
    "resnet18",
    "test_vit",
    "coat_lite_medium_384",
    "convnext_base.fb_in22k_ft_in1k_384",
    "dm_nfnet_f0.dm_in1k",
]


@pytest.mark.parametrize("name", SEEN)
def test_an_image_is_preprocessed_as_by_timm(name: str) -> None:
    """timm's own transform of a photograph is the oracle."""
    entry = find_model(f"timm:{name}")
    config = timm.data.resolve_data_config(
        {}, pretrained_cfg=timm.get_pretrained_cfg(entry.weights).to_dict()
    )
    image = photo(333, 251, seed=4)
    expected = timm.data.create_transform(**config)(image)
    torch.testing.assert_close(
        preprocessing_of(entry.preprocessing).prepare(image).x[0], expected, rtol=0, atol=1e-5
    )


def test_weights_that_cannot_be_downloaded_are_a_clear_error(cache: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="HF_HOME") as refused:
        load_model(find_model(NAME), CPU)
    assert PROBLEMS[refused.value.code].retryable
    assert str(cache.parents[2]) not in str(refused.value)


def test_pickled_code_is_never_run(cache: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)  # type: ignore[return-value]

    buffer = io.BytesIO()
    torch.save({"weight": Evil()}, buffer)
    (cache / "pytorch_model.bin").write_bytes(buffer.getvalue())
    with pytest.raises(WeightsRefused):
        load_model(find_model(NAME), CPU)
    assert not (tmp_path / "ran").exists()


def test_a_damaged_file_is_reported(cache: Path) -> None:
    (cache / "model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(WeightsDamaged):
        load_model(find_model(NAME), CPU)


def test_a_tag_chooses_the_weights() -> None:
    assert (
        find_model("timm:resnet18").weights
        == timm.get_pretrained_cfg("resnet18").architecture + ".a1_in1k"
    )
    assert (
        find_model("timm:resnet18.fb_ssl_yfcc100m_ft_in1k").weights
        == "resnet18.fb_ssl_yfcc100m_ft_in1k"
    )


def test_models_with_other_class_counts_have_numbers_as_labels() -> None:
    entry = find_model("timm:vit_base_patch16_224.augreg_in21k")
    assert entry.classes == 21843 and class_labels(entry)[21842] == "class 21842"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("timm:resnet81", "timm:resnet"), ("resnet18d", "Did you mean 'timm:resnet18d'")],
)
def test_similar_names_are_suggested(name: str, meant: str) -> None:
    with pytest.raises(UnknownModel) as refused:
        find_model(name)
    assert meant in refused.value.detail
