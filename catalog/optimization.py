"""What every technique that makes an image by optimization shares."""

from pydantic import BaseModel

from catalog.technique import ArtifactSpec

MAX_PIXELS = 16 * 256**2  # made at once: a batch of this size takes some gigabytes
MAX_SIDE = 1024  # pixels of a picture that is made

CURVE = ArtifactSpec(
    "curve.json", "application/json", "The parts of the loss at every step, as lists by name."
)


class PredictedClass(BaseModel):
    """What the model says of the 8-bit picture."""

    index: int
    label: str
    probability: float
