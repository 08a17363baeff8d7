"""`make audit`: ask for known vulnerabilities of everything in the lock files, and fail if unsure.

pip-audit says that all is well where its advisory service cannot be reached. A version that is
known to be vulnerable is therefore asked for first, and every package of the lock must be answered.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "redis.lock")
_VULNERABLE = "jinja2==2.10"

Dependency = dict[str, Any]


def main() -> int:
    """Return 0 if no vulnerability is known, and 1 if one is or if nobody can tell."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--uv", default="uv", help="the uv that runs pip-audit")
    parser.add_argument(
        "--if-reachable", action="store_true", help="pass if the advisory service does not answer"
    )
    arguments = parser.parse_args()
    if not is_answered(arguments.uv):
        print("The advisory service does not answer: nothing was audited.")
        return 0 if arguments.if_reachable else 1
    found = [sentence for lock in LOCKS for sentence in findings(_audited(arguments.uv, lock))]
    print("\n".join(found) or "No vulnerability is known of any package in the lock files.")
    return int(bool(found))


def is_answered(uv: str) -> bool:
    """Return whether the service knows a vulnerability that has been public for years."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(_VULNERABLE)
        file.flush()
        return any(one.get("vulns") for one in _run(uv, file.name, "--no-deps"))


def findings(dependencies: Iterable[Dependency]) -> list[str]:
    """Return a sentence for each vulnerability, and for each package that was not answered."""
    found = []
    for one in dependencies:
        if reason := one.get("skip_reason"):
            found.append(f"{one['name']} was not audited: {reason}")
        for known in one.get("vulns", []):
            fixed = ", ".join(known["fix_versions"]) or "no version yet"
            found.append(f"{one['name']} {one['version']}: {known['id']}, mended in {fixed}")
    return found


def _audited(uv: str, lock: str) -> list[Dependency]:
    return _run(uv, str(ROOT / lock), "--require-hashes")


def _run(uv: str, requirements: str, *options: str) -> list[Dependency]:
    command = [
        uv, "tool", "run", "pip-audit", "--disable-pip", "--progress-spinner", "off",
        "--format", "json", "--requirement", requirements, *options,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    try:
        dependencies: list[Dependency] = json.loads(done.stdout)["dependencies"]
    except ValueError:  # it ended with words alone
        return []
    return dependencies


if __name__ == "__main__":
    sys.exit(main())
