"""An activation index that f98e178 kept beside an image set is neither read nor extended.

Since then images are decoded by their colour profiles, and layers name other tensors.
"""

import hashlib
import json
from pathlib import Path

from catalog.image_set import TOP, complete_index_name, index_name
from tests.tiny import photo
from workers.toolkit.activations.activation_index import ActivationIndex
from workers.toolkit.activations.index_pass import activation_index
from workers.toolkit.activations.top_activations import read_layer
from workers.toolkit.images.image_set import LocalImageSet
from workers.toolkit.network.vision_model import VisionModel

SETS = Path(__file__).parents[1] / "fixtures" / "f98e178" / "jobs" / "artifacts" / "sets"


def name_before(model: VisionModel, layer: str) -> str:
    """Return the name that f98e178 gave to the index of a layer."""
    text = json.dumps([1, TOP, model.name, model.weights, layer])
    return f"index-{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"


def test_an_index_of_the_version_before_is_not_served(default_model: VisionModel) -> None:
    (kept,) = SETS.rglob("index-*.npz")
    names = {name_before(default_model, path): path for path in default_model.network.layers}
    layer = names[kept.name]
    name = index_name(default_model.name, default_model.weights, layer)
    assert name != kept.name
    # The mark of a complete index, by which the service chooses the queue, has another name too.
    complete = {path.name for path in SETS.rglob("index-*.npz.covers-*")}
    assert complete == {f"{kept.name}.covers-3"} != {complete_index_name(name, 3)}

    images = LocalImageSet({f"photo {i}": photo(50, 40, seed=i) for i in range(3)})
    images.keep(kept.name, kept.read_bytes())
    reader = read_layer(default_model, layer, images, name, lambda done, total, message: None)
    assert (reader.added, reader.index.covered) == (3, 3)
    assert images.kept(kept.name) == kept.read_bytes()  # which that version may still read


def test_nor_is_it_if_it_lies_under_the_name_of_this_version(default_model: VisionModel) -> None:
    (kept,) = SETS.rglob("index-*.npz")
    old = ActivationIndex.read(kept.read_bytes())
    layers = default_model.network.layers
    layer = next(path for path in layers if name_before(default_model, path) == kept.name)
    assert old is not None and old.channels == default_model.network.layer_channels(layer)

    images = LocalImageSet({f"photo {i}": photo(50, 40, seed=i) for i in range(4)})
    images.keep("the index", kept.read_bytes())
    calls = default_model.network.passes
    made = activation_index(default_model, layer, images, "the index", lambda *progress: None)
    assert default_model.network.passes > calls
    assert made.made_by != old.made_by
    assert set(made.images.flatten().tolist()) == {0, 1, 2, 3}
    assert made.values.max() != old.values.max()
