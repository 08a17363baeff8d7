"""What the techniques share that make an image by optimization."""

from catalog.technique import ArtifactSpec

# Pixels that are optimized at once: a batch of this size takes some gigabytes.
MAX_PIXELS = 16 * 256**2
# Longer side of an optimized image, in pixels.
MAX_SIDE = 1024

CURVE = ArtifactSpec(
    "curve.json", "application/json", "The parts of the loss at every step, as lists by name."
)
