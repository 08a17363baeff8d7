"""An activation index that f98e178 kept beside an image set is used, not made again."""

from pathlib import Path

from workers.toolkit.activations.activation_index import ActivationIndex
from workers.toolkit.activations.index_pass import _made_by
from workers.toolkit.network.vision_model import VisionModel

SETS = Path(__file__).parents[1] / "fixtures" / "f98e178" / "jobs" / "artifacts" / "sets"


def test_the_model_and_its_preprocessing_have_the_digest_of_the_version_before(
    default_model: VisionModel,
) -> None:
    (kept,) = SETS.rglob("index-*.npz")
    index = ActivationIndex.read(kept.read_bytes())
    assert index is not None
    assert index.made_by == _made_by(default_model)
