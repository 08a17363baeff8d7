"""`make sbom`: what the images of the API and of workers contain, as CycloneDX documents.

They are written to build/sbom, one for each role, and not committed: they follow from the lock
files. CycloneDX's own tool describes `.venv`; what the image of a role does not have is left out.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Collection
from typing import Any

from jobs.version import VERSION
from tests.licences import ROLES, ROOT, licence, packages, problems

FOLDER = ROOT / "build" / "sbom"
_TOOL = "cyclonedx-bom==7.5.0"

Document = dict[str, Any]


def main() -> int:
    """Write the documents. Return 1 if a licence is not allowed."""
    parser = argparse.ArgumentParser(prog="make sbom", description=__doc__)
    parser.add_argument("--uv", default="uv", help="the uv that runs CycloneDX's tool")
    arguments = parser.parse_args()
    whole = described([arguments.uv, "tool", "run", "--from", _TOOL, "cyclonedx-py"])
    FOLDER.mkdir(parents=True, exist_ok=True)
    for role in ROLES:
        document = shipped(whole, role, packages(role))
        path = FOLDER / f"{role}.cdx.json"
        path.write_text(json.dumps(document, indent=1) + "\n")
        print(f"{path.relative_to(ROOT)}: {len(document['components'])} packages")
    found = problems()
    print("\n".join(found) or "All licences are allowed (tests/licences.py).")
    return int(bool(found))


def described(tool: list[str]) -> Document:
    """Return what the tool says of the environment that runs this."""
    command = [
        *tool, "environment", "--output-reproducible", "--pyproject", str(ROOT / "pyproject.toml"),
        "--output-file", "-", sys.executable,
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=600, check=True)
    document: Document = json.loads(done.stdout)
    return document


def shipped(whole: Document, role: str, names: Collection[str]) -> Document:
    """Return the document with the packages of a role alone, each with its licence.

    Raises ValueError if one is missing.
    """
    found = {_normal(one["name"]): one for one in whole["components"]}
    if absent := sorted(name for name in names if name not in found):
        raise ValueError(f"not installed: {', '.join(absent)}")
    components = [_with_licence(found[name], name) for name in sorted(names)]
    root = whole["metadata"]["component"] | {"name": f"retinoscope-{role}", "version": VERSION}
    kept = {one["bom-ref"] for one in components} | {root["bom-ref"]}
    dependencies = [
        one | {"dependsOn": [ref for ref in one.get("dependsOn", []) if ref in kept]}
        for one in whole["dependencies"]
        if one["ref"] in kept
    ]
    metadata = whole["metadata"] | {"component": root}
    return whole | {
        "metadata": metadata,
        "components": components,
        "dependencies": dependencies,
    }


def _with_licence(component: Document, name: str) -> Document:
    """Return the component with our reading of its licence, if the tool found no expression."""
    stated = component.get("licenses", [])
    if any("id" in one.get("license", one) or "expression" in one for one in stated):
        return component
    return component | {"licenses": [{"license": {"name": licence(name)}}]}


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


if __name__ == "__main__":
    sys.exit(main())
