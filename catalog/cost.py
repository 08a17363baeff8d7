"""What a request costs, in images that go through the model: refused before it is accepted if that is too much."""

from catalog.errors import TooExpensive, Violation
from catalog.technique import Params


def check_cost(params: Params, passes: int, most: int) -> None:
    """Raises TooExpensive, which names the estimate, the limit and what to change."""
    if passes <= most:
        return
    *others, last = params.cost_advice or ("ask for less",)
    ways = f"{', '.join(others)} or {last}" if others else last
    message = (
        f"About {passes:,} images of the model's size would go through it; the limit is {most:,}."
    )
    pointers = [way.rpartition(" ")[2] for way in params.cost_advice]
    raise TooExpensive(
        f"{message} {ways.capitalize()}.",
        [Violation(f"/{pointer}", message) for pointer in pointers],
    )
