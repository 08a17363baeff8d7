"""Models are built and filled by the real loading code.

Weights that cannot be downloaded here are saved by the test.
"""

import pickle
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch
import torchvision

from catalog.models import ModelEntry, find_model
from workers.models.errors import WeightsMismatch, WeightsRefused, WeightsUnavailable
from workers.models.load import digest, load_model
from workers.models.model_cache import ModelCache, weight_bytes

CPU = torch.device("cpu")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder where torch keeps what it has downloaded."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def cached_file(cache: Path, entry: ModelEntry) -> Path:
    url = torchvision.models.get_model_weights(entry.name)[entry.weights].url
    return cache / Path(urlsplit(url).path).name


def save_random_weights(cache: Path, name: str) -> dict[str, torch.Tensor]:
    entry = find_model(name)
    options = (
        {"aux_logits": True, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    )
    state = torchvision.models.get_model(name, weights=None, **options).state_dict()
    torch.save(state, cached_file(cache, entry))
    return state


def test_a_torchvision_model_gets_its_published_weights(cache: Path) -> None:
    state = save_random_weights(cache, "squeezenet1_1")
    model = load_model(find_model("squeezenet1_1"), CPU)
    expected = torchvision.models.squeezenet1_1(weights=None)
    expected.load_state_dict(state)
    x = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(
            model.network.logits(x), expected.eval()(x), rtol=1e-4, atol=1e-5
        )
    assert model.weights == digest(state) and model.labels[285] == "Egyptian cat"
    assert not any(parameter.requires_grad for parameter in model.network.module.parameters())


def test_auxiliary_heads_are_left_out(cache: Path) -> None:
    state = save_random_weights(cache, "googlenet")
    assert any(name.startswith("aux1") for name in state)
    model = load_model(find_model("googlenet"), CPU)
    assert not any("aux" in name for name, _ in model.network.module.named_parameters())
    assert model.network.module.transform_input


def test_weights_that_cannot_be_downloaded_are_a_clear_error(cache: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="hub/checkpoints"):
        load_model(find_model("resnet18"), CPU)


def test_pickled_code_is_never_run(cache: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)  # type: ignore[return-value]

    torch.save({"weight": Evil()}, cached_file(cache, find_model("resnet18")))
    with pytest.raises(WeightsRefused):
        load_model(find_model("resnet18"), CPU)
    cached_file(cache, find_model("resnet18")).write_bytes(pickle.dumps(Evil(), protocol=2))
    with pytest.raises(WeightsRefused):
        load_model(find_model("resnet18"), CPU)
    assert not (tmp_path / "ran").exists()


def test_weights_of_another_model_are_refused(cache: Path) -> None:
    torch.save(
        torchvision.models.resnet18(weights=None).state_dict(),
        cached_file(cache, find_model("alexnet")),
    )
    with pytest.raises(WeightsMismatch):
        load_model(find_model("alexnet"), CPU)


def test_the_digest_distinguishes_weights() -> None:
    state = {"a": torch.arange(4.0), "b": torch.ones(2, 2)}
    same = {"b": torch.ones(2, 2), "a": torch.arange(4.0)}
    assert digest(state) == digest(same)
    assert digest(state) != digest(state | {"a": torch.arange(4.0) + 1e-6})
    assert digest(state) != digest({"a": torch.arange(4.0).view(2, 2), "b": torch.ones(2, 2)})


def test_the_least_recently_used_model_is_evicted(cache: Path) -> None:
    for name in ("squeezenet1_1", "squeezenet1_0", "shufflenet_v2_x0_5"):
        save_random_weights(cache, name)
    alone = ModelCache(CPU, 0)
    kept = ("squeezenet1_1", "shufflenet_v2_x0_5")  # with folded weights, made when it is loaded
    warm = ModelCache(CPU, sum(weight_bytes(alone.get(name)) for name in kept))
    first = warm.get("squeezenet1_1")
    warm.get("squeezenet1_0")
    assert warm.get("squeezenet1_1") is first
    warm.get("shufflenet_v2_x0_5")
    assert "squeezenet1_1" in warm and "squeezenet1_0" not in warm and "shufflenet_v2_x0_5" in warm
