"""ICC profiles written byte by byte, and their conversion to sRGB by the formulas, in float64.

Nothing here comes from `imaging` or littleCMS.
"""

import struct

import numpy as np

D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)
SRGB = (D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
DISPLAY_P3 = (D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = (D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
PROPHOTO = (D50, (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
PCS_WHITE = np.array([0.9642, 1.0, 0.8249])


def xyz(xy):
    x, y = xy
    return np.array([x / y, 1, (1 - x - y) / y])


def matrix(primaries, white=PCS_WHITE):
    """Return linear RGB to XYZ, adapted to the white by Bradford."""
    own, *columns = map(xyz, primaries)
    m = np.stack(columns, 1)
    m = m * np.linalg.solve(m, own)
    gains = (BRADFORD @ white) / (BRADFORD @ own)
    return np.linalg.inv(BRADFORD) @ np.diag(gains) @ BRADFORD @ m


def srgb_light(v):
    v = np.asarray(v, float)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def srgb_value(light):
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def to_srgb(values, primaries, light):
    """Return sRGB in 0..255 of values in 0..1 (…, 3), as a float; colours outside are clipped."""
    m = np.linalg.inv(matrix(SRGB)) @ matrix(primaries)
    return 255 * srgb_value(light(np.asarray(values, float)) @ m.T)


def curve(light, points=4096):
    """Return a `curv` tag that samples the function."""
    samples = np.round(65535 * light(np.linspace(0, 1, points))).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + struct.pack(">I", points) + samples


def gamma_curve(exponent):
    """Return a `curv` tag of one number, an exponent in 256ths."""
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * exponent)) + b"\0\0"


def profile(space, tags, pcs=b"XYZ ", kind=b"mntr"):
    at, table, bodies = 132 + 12 * len(tags), b"", b""
    for name, body in tags.items():
        table += struct.pack(">4sII", name, at + len(bodies), len(body))
        bodies += body + b"\0" * (-len(body) % 4)
    head = struct.pack(">I4xI", at + len(bodies), 0x02400000) + kind + space + pcs
    head = head.ljust(36, b"\0") + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">3i", *(round(65536 * v) for v in PCS_WHITE))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + bodies


def tag_xyz(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * v) for v in values))


def rgb_profile(primaries, tag):
    m = matrix(primaries)
    tags = {b"wtpt": tag_xyz(PCS_WHITE)}
    tags |= {name: tag_xyz(m[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    return profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), tag))


def gray_profile(tag):
    return profile(b"GRAY", {b"wtpt": tag_xyz(PCS_WHITE), b"kTRC": tag})


def cmyk_profile(lab_of):
    """Return a printer's profile: Lab at the 16 corners of inks, linear between them (`mft2`)."""
    inks = np.array([[i >> 3 & 1, i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(16)], float)
    lab = np.array([lab_of(ink) for ink in inks])
    scale = np.array([65280 / 100, 256, 256])
    nodes = np.round(lab * scale + [0, 32768, 32768]).astype(">u2").tobytes()
    ramp = np.array([0, 65535], ">u2").tobytes()
    unit = struct.pack(">9i", *(65536 * v for v in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    table = b"mft2\0\0\0\0" + bytes([4, 3, 2, 0]) + unit + struct.pack(">HH", 2, 2)
    table += ramp * 4 + nodes + ramp * 3
    tags = {b"wtpt": tag_xyz(PCS_WHITE), b"A2B0": table, b"A2B1": table}
    return profile(b"CMYK", tags, b"Lab ", b"prtr")
