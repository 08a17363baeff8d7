"""Time the pictures of a map before and after: `python -m benchmarks.rendering`.

Before is the renderer of version 0.1.0, kept below: float32 arithmetic at the size of the
photograph, RGBA and RGB files of zlib level 2. After is the toolkit's. Both draw the same map over
the same photographs in turns, in processor time of one thread, so that other load does not count.
Further rows are encoders that were tried.
"""

import argparse
import io
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from benchmarks.interleaved import medians
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.decode import decode
from workers.toolkit.images.preprocessing import ModelInput, Preprocessing
from workers.toolkit.rendering.color_limits import color_limits, to_levels
from workers.toolkit.rendering.heatmap import MapStyle, save_heatmap
from workers.toolkit.rendering.placed_map import place

Floats = NDArray[np.float32]
SIZES = {"600 × 400": (600, 400), "12 megapixels": (4000, 3000)}
PREPROCESSING = Preprocessing(256, 224, "bilinear", (0.5,) * 3, (0.2,) * 3)
STYLE = MapStyle("magnitude", "inferno", tail=0.5)
HEAD = """# Pictures of a map, before and after

`python -m benchmarks.rendering`: medians of {runs} runs in turns, milliseconds of processor time of
one thread, and the bytes of both files. The map is one of 224 × 224 with the noise of a gradient,
the photograph an enlarged one of scikit-image with the noise of a sensor. Before is the renderer of
version 0.1.0; after is that of the toolkit, which encodes at level 1.

| photograph | what | ms | kB |
|---|---|---|---|
"""


def photograph(size: tuple[int, int]) -> bytes:
    """Return a JPEG of that size with the noise of a sensor."""
    scene = Image.fromarray(data.coffee()).resize(size)
    noise = np.random.default_rng(0).normal(0, 4, (size[1], size[0], 3))
    buffer = io.BytesIO()
    noisy = (np.asarray(scene) + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def gradient_like() -> Floats:
    """Return a map of magnitudes: noise whose strength changes slowly, (224, 224)."""
    rng = np.random.default_rng(1)
    strength = Image.fromarray(rng.random((7, 7), np.float32)).resize((224, 224))
    noise = np.abs(rng.normal(0, 1, (224, 224)))
    return (noise * np.asarray(strength) ** 2).astype(np.float32)


def before(model_input: ModelInput, values: Floats) -> dict[str, bytes]:
    """Draw as the renderer before did, blue to red from the lowest to the highest value."""
    low, high = float(values.min()), float(np.percentile(values, 99.5))
    level = ((values - low) / (high - low)).clip(0, 1).astype(np.float32)
    photo = model_input.image
    width, height = photo.size
    left, top, right, bottom = model_input.box
    source = Image.fromarray(np.pad(level, 2, mode="edge"), "F")
    sx, sy = level.shape[1] / (right - left), level.shape[0] / (bottom - top)
    matrix = (sx, 0, -left * sx + 2, 0, sy, -top * sy + 2)
    affine = Image.Transform.AFFINE
    placed = source.transform((width, height), affine, matrix, Image.Resampling.BILINEAR)
    stretched = np.asarray(placed).clip(0, 1)
    ys, xs = np.mgrid[0:height, 0:width]
    inside = (xs + 0.5 >= left) & (xs + 0.5 <= right) & (ys + 0.5 >= top) & (ys + 0.5 <= bottom)
    table = _table_before()
    colors = table[(stretched * (len(table) - 1)).round().astype(np.uint16)]
    alpha = np.where(inside, 255, 0).astype(np.uint8)[..., None]
    heatmap = Image.fromarray(np.concatenate([colors, alpha], axis=2), "RGBA")
    pixels = np.asarray(photo)
    cover = (0.35 + 0.5 * stretched)[..., None]
    mixed = pixels * (1 - cover) + colors * cover
    grey = np.broadcast_to(pixels.mean(axis=2, keepdims=True) * 0.4 + 76.5, mixed.shape)
    overlay = np.where(inside[..., None], mixed, grey).round().clip(0, 255).astype(np.uint8)
    pictures = {"heatmap.png": heatmap, "overlay.png": Image.fromarray(overlay, "RGB")}
    return {name: encoded(picture, 2, 0) for name, picture in pictures.items()}


def _table_before() -> NDArray[np.uint8]:
    anchors = np.array(
        [(49, 54, 149), (116, 173, 209), (255, 255, 191), (244, 109, 67), (165, 0, 38)]
    )
    steps = np.linspace(0, len(anchors) - 1, 2561)
    channels = [np.interp(steps, np.arange(len(anchors)), channel) for channel in anchors.T]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def after(model_input: ModelInput, values: Floats) -> dict[str, bytes]:
    """Draw as the toolkit does."""
    context = LocalContext()
    save_heatmap(context, model_input, torch.from_numpy(values), STYLE)
    return {name: file for name, file in context.files.items() if name.endswith(".png")}


def encoded(picture: Image.Image, level: int, strategy: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=level, compress_type=strategy)
    return buffer.getvalue()


def encoders(model_input: ModelInput, values: Floats) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the ways to encode the two pictures that were tried."""
    levels = to_levels(values, *color_limits(values, "magnitude", 0.5))
    placed = place(model_input, levels, "inferno", signed=False, side=2048)
    ways = {"level 1": (1, 0), "level 2": (2, 0), "level 6": (6, 0)}
    ways |= {"runs": (1, zlib.Z_RLE), "Huffman": (1, zlib.Z_HUFFMAN_ONLY)}
    pictures = {
        "heatmap, palette": placed.heatmap,
        "heatmap, RGB": placed.heatmap.convert("RGB"),
        "overlay, RGB": placed.overlay,
    }
    for kind, picture in pictures.items():
        for way, setting in ways.items():
            yield f"{kind}: {way}", partial(encoded, picture, *setting)


def rows(name: str, runs: int) -> Iterator[str]:
    """Yield the table's rows of one photograph."""
    jpeg, values = photograph(SIZES[name]), gradient_like()
    model_input = PREPROCESSING.prepare(decode(jpeg))
    contenders: dict[str, Callable[[], object]] = {
        "decode the JPEG": lambda: decode(jpeg),
        "network's input": lambda: PREPROCESSING.prepare(model_input.image),
        "**before**": lambda: before(model_input, values),
        "**after**": lambda: after(model_input, values),
        **dict(encoders(model_input, values)),
    }
    taken = medians(contenders, runs, torch.device("cpu"), time.process_time)
    for what, seconds in taken.items():
        result = contenders[what]()
        files = result.values() if isinstance(result, dict) else [result]
        size = sum(len(file) for file in files if isinstance(file, bytes))
        yield f"| {name} | {what} | {seconds * 1e3:.0f} | {size / 1e3:,.0f} |".replace(
            "| 0 |", "| |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = []
    for name in SIZES:
        for row in rows(name, options.runs):
            print(row, flush=True)
            lines.append(row)
    if options.out:
        text = HEAD.format(runs=options.runs) + "\n".join(lines) + "\n"
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
