"""DeepDream from request to files: sizes, targets, guide, zoom, and resumed runs."""

import io
import json
from typing import Any

import pytest
from PIL import Image

from catalog.errors import InvalidParameters, TooExpensive
from catalog.models import DEFAULT_MODEL, find_model
from catalog.techniques.deep_dream import DeepDreamParams, DeepDreamSummary
from tests.techniques.running import PHOTO, Recording, Stopped, entry_of
from tests.tiny import photo
from workers.execute import execute
from workers.toolkit.errors import NoGuide
from workers.toolkit.images.picture import from_image
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.transforms import enlarge_centre

GUIDE = photo(50, 60, seed=9)


def dreamt(
    model: VisionModel,
    context: Recording | None = None,
    guide: Image.Image | None = None,
    **given: Any,
) -> tuple[DeepDreamSummary, Recording]:
    context = context or Recording()
    params = DeepDreamParams.model_validate(
        {"seed": 3, "octaves": 2, "steps": 4, **given}
    ).resolved(entry_of(model))
    images = {"image": PHOTO} | ({} if guide is None else {"guide": guide})
    summary = execute("deep_dream", params, model, images, context)
    assert isinstance(summary, DeepDreamSummary)
    return summary, context


def opened(context: Recording, name: str = "image.png") -> Image.Image:
    return Image.open(io.BytesIO(context.files[name]))


def test_the_dream_keeps_the_photographs_proportions(tiny: VisionModel) -> None:
    summary, context = dreamt(tiny, size=90)
    assert PHOTO.size == (61, 43)
    assert opened(context).size == (90, round(90 * 43 / 61))
    assert summary.octaves == [[45, 64], [63, 90]]
    assert summary.tile == 32
    assert summary.tiles == [2 * 3, 3 * 4]


def test_without_targets_it_says_which_layer_was_chosen(tiny: VisionModel) -> None:
    summary, _ = dreamt(tiny)
    assert summary.layers_from == "depth"
    # The layer at two thirds of the 8 maps, which are numbered 0 to 7.
    assert [target.target.layer for target in summary.targets] == ["pool"]
    given, _ = dreamt(tiny, targets="pool")
    assert given.layers_from == "given"
    assert given.targets == summary.targets


def test_the_default_models_layer_is_recommended() -> None:
    params = DeepDreamParams(model=DEFAULT_MODEL).resolved(find_model(DEFAULT_MODEL))
    assert params.targets == find_model(DEFAULT_MODEL).recommended["deep_dream"]
    assert (params.size, params.tile, params.jitter) == (448, 224, 32)


def test_several_targets_are_reported_one_by_one(tiny: VisionModel) -> None:
    summary, context = dreamt(tiny, targets="conv3, class:4*-0.5, conv2:1*2")
    assert [target.score for target in summary.targets] == ["½ mean square", "logit", "activation"]
    assert [target.weight for target in summary.targets] == [1, -0.5, 2]
    curve = json.loads(context.files["curve.json"])
    assert {name: len(values) for name, values in curve.items()} == {
        "conv3": 8,
        "class:4": 8,
        "conv2:1": 8,
    }


@pytest.mark.parametrize("target", ["conv3", "conv2:1", "class:4"])
def test_a_target_is_sought_or_avoided(tiny: VisionModel, target: str) -> None:
    (sought,) = dreamt(tiny, targets=target)[0].targets
    (avoided,) = dreamt(tiny, targets=f"{target}*-2")[0].targets
    assert avoided.score_before == sought.score_before
    assert avoided.score_after < sought.score_before < sought.score_after


def test_top_is_the_first_prediction(tiny: VisionModel) -> None:
    summary, _ = dreamt(tiny, targets="top")
    assert summary.targets[0].target.index == summary.predicted_before.index
    assert summary.targets[0].score_after > summary.targets[0].score_before


def test_a_guide_leads_elsewhere(tiny: VisionModel) -> None:
    free, freely = dreamt(tiny, targets="conv3")
    led, guided = dreamt(tiny, targets="conv3", guide=GUIDE, steps=8)
    assert (free.guided, led.guided) == (False, True)
    assert led.targets[0].score == "likeness to the guide"
    assert led.targets[0].score_after > led.targets[0].score_before
    assert freely.files["image.png"] != guided.files["image.png"]
    with pytest.raises(NoGuide):
        dreamt(tiny, targets="class:3", guide=GUIDE)


def test_zoom_frames_are_animated_after_the_dream_itself(tiny: VisionModel) -> None:
    _, still = dreamt(tiny)
    summary, context = dreamt(tiny, zoom_frames=3)
    assert "zoom.webp" not in still.files
    assert opened(context).tobytes() == opened(still).tobytes()
    with opened(context, "zoom.webp") as animation:
        assert (
            (animation.n_frames, animation.size)
            == (summary.frames, opened(still).size)
            == (4, (64, 45))
        )
    assert context.steps[-1] == (4 * 2 * 4, 4 * 2 * 4)


def test_a_frame_shows_the_one_before_nearer(tiny: VisionModel) -> None:
    """With steps too small to see, each frame is the photograph, enlarged once more."""
    _, context = dreamt(tiny, zoom_frames=2, zoom=1.5, rate=1e-6, size=96)
    expected = from_image(opened(context))
    with opened(context, "zoom.webp") as animation:
        for frame in range(3):
            animation.seek(frame)
            seen = from_image(animation.convert("RGB"))
            assert (seen - expected).abs().mean() < 0.02
            assert (seen - enlarge_centre(expected, 1.5)).abs().mean() > 0.05
            expected = enlarge_centre(expected, 1.5)


def test_a_run_stopped_anywhere_resumes_to_the_same_bytes(tiny: VisionModel) -> None:
    given = {"zoom_frames": 2, "steps": 2, "targets": "conv3, conv2:1*0.5", "guide": GUIDE}
    _, straight = dreamt(tiny, **given)
    for stop in (2, 4, 5, 7, 10, 12):
        stopped = Recording(stop_at=stop)
        with pytest.raises(Stopped):
            dreamt(tiny, stopped, **given)
        _, resumed = dreamt(tiny, Recording(saved=stopped.saved), **given)
        assert resumed.files == straight.files


def test_the_estimated_cost_counts_tiles(tiny: VisionModel) -> None:
    square = Image.new("RGB", (64, 64), "gray")
    asked = DeepDreamParams(seed=0, octaves=3, steps=7, size=90, zoom_frames=4)
    params = asked.resolved(entry_of(tiny))
    summary = execute(
        "deep_dream",
        params.model_copy(update={"zoom_frames": 0}),
        tiny,
        {"image": square},
        Recording(),
    )
    assert isinstance(summary, DeepDreamSummary)
    assert params.step_pixels() == 5 * 7 * sum(summary.tiles) * summary.tile**2


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"octaves": 12, "octave_scale": 2}, InvalidParameters, "octaves"),
        (
            {"octaves": 1, "octave_scale": 2},
            InvalidParameters,
            "octave_scale is used by several octaves only",
        ),
        ({"zoom": 1.5}, InvalidParameters, "zoom is used by zoom_frames only"),
        ({"steps": 500, "size": 1024}, TooExpensive, "Lower steps"),
        ({"zoom_frames": 120, "steps": 20}, TooExpensive, "zoom_frames"),
    ],
)
def test_parameters_that_cost_too_much_or_make_octaves_too_small_are_refused(
    given: dict[str, int], error: type[Exception], said: str
) -> None:
    entry = find_model(DEFAULT_MODEL)
    with pytest.raises(error, match=said):
        DeepDreamParams.model_validate(given).resolved(entry).validate_for(entry, ())
