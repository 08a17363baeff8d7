"""Files as a technique saves them, and a local context that remembers everything."""

import io
import json
from functools import partial

import numpy as np
from PIL import Image

from tests.tiny import photo
from workers.toolkit.execution.context import LocalContext, save_npy, save_png


def test_a_picture_is_unchanged_and_says_how_it_was_made() -> None:
    context = LocalContext(
        {"technique": "occlusion", "params": {"target": "class:Äpfel", "seed": 2**62}}
    )
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


def test_loss_and_preview_are_remembered() -> None:
    context = LocalContext()
    context.progress(1, 3, loss=2.5)
    assert context.wants_preview()
    context.preview(photo(), 1)
    context.preview(photo(9, 9), 2)
    assert context.losses == [2.5]
    assert context.shown is not None and (context.shown[0], context.shown[1].size) == (2, (9, 9))


def summed(context: LocalContext, stop_at: int | None = None) -> int:
    """A technique in small: the sum of the steps' numbers, from a checkpoint if there is one."""
    step, total = json.loads(context.resume() or b"[0, 0]")
    for i in range(step, 10):
        context.progress(i, 10)
        if i == stop_at:
            return -1
        total += i
        written = json.dumps([i + 1, total]).encode()
        context.checkpoint(partial(bytes, written))
    return total


def test_a_run_that_was_stopped_goes_on_in_a_new_context() -> None:
    whole, stopped = LocalContext(), LocalContext()
    summed(stopped, stop_at=6)
    resumed = LocalContext(saved=stopped.saved)
    assert summed(resumed) == summed(whole) == 45
    assert resumed.steps[0] == (6, 10)
    assert resumed.saved == whole.saved


def test_no_checkpoint_is_made_that_nobody_wants() -> None:
    context = LocalContext(checkpoints=False)
    context.checkpoint(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    assert context.resume() is None
