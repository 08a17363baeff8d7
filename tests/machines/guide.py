"""docs/operations.md as something to follow: its commands and files, with names of this machine."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def section(title: str) -> str:
    """Return the text below a heading of any level, up to the next one."""
    page = (ROOT / "docs" / "operations.md").read_text()
    return re.split(r"^#+ ", page.split(f"# {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def blocks(title: str, language: str = "sh") -> list[str]:
    """Return the blocks of code of a section, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(title), re.DOTALL | re.MULTILINE)


class Machine:
    """What stands for all machines: a folder, other names for those of the page, and a shell.

    Commands that need root or systemd are scripts of the tests: `systemctl` notes its arguments.
    """

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        self.folder = folder
        self._names = names
        self._tools, self.asked = folder / "tools", folder / "systemctl"
        self._tools.mkdir()
        self.tool("useradd", "exit 0")
        self.tool("install", 'mkdir -p "${@: -1}"')
        self.tool("runuser", 'shift 3; exec "$@"')
        self.tool("systemctl", f'echo "$@" >> {self.asked}')

    def tool(self, name: str, script: str) -> None:
        """Put a command in front of those of this machine."""
        path = self._tools / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def translated(self, text: str) -> str:
        """Return the text with the names of this machine, none of which is replaced again."""
        names = "|".join(map(re.escape, self._names))
        return re.sub(names, lambda found: self._names[found[0]], text)

    def environment(self) -> dict[str, str]:
        """Return the environment of a fresh shell."""
        foreign = ("RETINOSCOPE_", "AWS_", "PYTHONPATH", "VIRTUAL_ENV")
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return own | {"PATH": f"{self._tools}:{own['PATH']}", "HOME": str(self.folder)}

    def run(self, block: str) -> str:
        """Run a block as it stands on the page, and return what it prints.

        The variable KEY is kept from one block to the next, as it is in a terminal.
        """
        kept = self.folder / "variables"
        kept.touch()
        script = (
            f"set -eu\n. {kept}\n{self.translated(block)}\ndeclare -p KEY > {kept} 2>/dev/null || :"
        )
        done = subprocess.run(
            ["bash", "-c", script],
            env=self.environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout
