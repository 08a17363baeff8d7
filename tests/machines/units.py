"""The units of deploy/systemd without systemd: what they say of commands and environment, run."""

import shlex
from pathlib import Path

from retinoscope.child import Child
from tests.machines.guide import Machine


class Units:
    """The units that `systemctl` was asked to enable, as processes."""

    def __init__(self, machine: Machine, programs: dict[str, list[str]]) -> None:
        self._machine = machine
        self._programs = programs
        self._folder = Path(machine.translated("/etc/systemd/system"))
        self._obeyed = 0
        # The code of the checkout that was installed, not that of the tests.
        self._alone = ["env", "-C", "/", f"PYTHONPATH={machine.translated('/opt/retinoscope')}"]
        self.running: dict[str, Child] = {}

    def obey(self) -> None:
        """Start what `systemctl` was asked to enable since the last call."""
        asked = self._machine.asked.read_text().splitlines()
        for line in asked[self._obeyed :]:
            verb, *names = line.split()
            assert verb in ("daemon-reload", "enable"), line
            for name in names[1:]:
                self.start(name)
        self._obeyed = len(asked)

    def start(self, name: str) -> None:
        """Start a unit or an instance of one. `KillMode=mixed` is what `Child` does."""
        unit, at, instance = name.partition("@")
        said = self._said(f"{unit}{at}.service", instance)
        assert said["KillMode"] == ["mixed"]
        environment = self._environment(said)
        command = shlex.split(*said["ExecStart"])
        command = self._programs.get(unit, command[:1]) + command[1:]
        log = self._machine.folder / f"{name}.log"
        patience_s = float(said["TimeoutStopSec"][0])
        child = Child(name, self._alone + command, environment, log, patience_s)
        child.start()
        self.running[name] = child

    def stop_all(self) -> None:
        for child in self.running.values():
            child.terminate()
        for child in self.running.values():
            child.stop()

    def start_all(self) -> None:
        for name in list(self.running):
            self.start(name)

    def _said(self, file: str, instance: str) -> dict[str, list[str]]:
        """Return every value of the section Service by its name."""
        text = self._machine.translated((self._folder / file).read_text())
        service = text.split("[Service]\n")[1].split("\n[")[0].replace("%i", instance)
        said: dict[str, list[str]] = {}
        for line in service.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.partition("=")
                said.setdefault(name, []).append(value)
        return said

    def _environment(self, said: dict[str, list[str]]) -> dict[str, str]:
        (file,) = said["EnvironmentFile"]
        lines = Path(file).read_text().splitlines()
        lines += [word for value in said.get("Environment", []) for word in value.split()]
        return dict(line.split("=", 1) for line in lines)
