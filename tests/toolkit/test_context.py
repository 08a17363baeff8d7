"""Files as a technique leaves them."""

import io
import json

import numpy as np
from PIL import Image

from tests.tiny import photo
from workers.toolkit.context import LocalContext, save_npy, save_png


def test_a_picture_is_unchanged_and_says_how_it_was_made() -> None:
    context = LocalContext({"technique": "occlusion", "params": {"target": "class:Äpfel", "seed": 2**62}})
    save_png(context, "a.png", photo())
    picture = Image.open(io.BytesIO(context.files["a.png"]))
    assert np.array_equal(np.asarray(picture), np.asarray(photo()))
    assert picture.text["Software"] == "Retinoscope"
    assert picture.text["retinoscope:technique"] == "occlusion"
    assert json.loads(picture.text["retinoscope:params"]) == context.origin["params"]


def test_values_are_float32_in_c_order_and_need_no_pickle() -> None:
    context = LocalContext()
    values = np.arange(6, dtype=np.float32).reshape(2, 3).T
    save_npy(context, "a.npy", values)
    loaded = np.load(io.BytesIO(context.files["a.npy"]), allow_pickle=False)
    assert loaded.dtype == np.float32
    assert loaded.flags.c_contiguous
    assert np.array_equal(loaded, values)


def test_progress_is_remembered() -> None:
    context = LocalContext()
    context.progress(1, 3, "one")
    context.progress(3, 3)
    assert context.steps == [(1, 3), (3, 3)]
