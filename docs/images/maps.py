"""Make the picture of maps in README.md: `python docs/images/maps.py DEMO`.

DEMO is the folder that `retinoscope demo --out DEMO` wrote. Nothing is drawn here: the overlays are
laid side by side, as the demo's page does.
"""

import sys
from pathlib import Path

from PIL import Image

from workers.toolkit.rendering.contact_sheet import contact_sheet

HERE = Path(__file__).parent
COLUMNS = {
    "occlusion": "occlusion",
    "rise": "RISE",
    "grad_cam": "Grad-CAM",
    "saliency": "saliency",
}
PHOTOGRAPHS = {"coffee": "espresso, 0.95", "chelsea": "tiger cat, 0.39"}
CELL = (240, 160)


def cells(demo: Path) -> tuple[list[Image.Image], list[str]]:
    """Return the photograph and its maps for each photograph, and their labels."""
    pictures, labels = [], []
    for photograph, label in PHOTOGRAPHS.items():
        pictures.append(opened(demo / f"{photograph}.png"))
        labels.append(label)
        for technique, name in COLUMNS.items():
            pictures.append(opened(demo / f"{photograph}-{technique}-overlay.png"))
            labels.append(name)
    return pictures, labels


def opened(file: Path) -> Image.Image:
    return Image.open(file).convert("RGB").resize(CELL, Image.Resampling.LANCZOS)


def main() -> None:
    demo = Path(sys.argv[1])
    sheet = contact_sheet(*cells(demo), columns=1 + len(COLUMNS))
    sheet.save(HERE / "readme.jpg", quality=88)


if __name__ == "__main__":
    main()
