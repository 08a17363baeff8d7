"""What an optimization leaves: its pictures and the course of its loss."""

from workers.toolkit.execution.context import Context, save_json, save_png
from workers.toolkit.images.picture import to_image
from workers.toolkit.optimization.engine import OptimizationResult


def save_pictures(context: Context, made: OptimizationResult) -> None:
    """Save image.png, image-1.png … of several, and curve.json."""
    save_png(context, "image.png", to_image(made.picture))
    if len(made.picture) > 1:
        for number, one in enumerate(made.picture, 1):
            save_png(context, f"image-{number}.png", to_image(one[None]))
    save_curve(context, made)


def save_curve(context: Context, made: OptimizationResult) -> None:
    """Save curve.json: {name of a part: [value at each step, null where the stage has no such part]}."""
    names = list(dict.fromkeys(name for step in made.curve for name in step))
    save_json(
        context, "curve.json", {name: [step.get(name) for step in made.curve] for name in names}
    )
