"""Dockerfile and docker-compose.yml, as far as they can be checked without Docker."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def stage(name: str) -> str:
    """Return the lines of a stage of the Dockerfile."""
    return re.split(r"^FROM ", DOCKERFILE.split(f" AS {name}\n")[1], flags=re.MULTILINE)[0]


def copied(text: str) -> list[str]:
    """Return what a stage copies from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


@pytest.mark.parametrize("role", ["api", "worker"])
def test_a_change_of_source_installs_no_package_again(role: str) -> None:
    assert copied(stage(f"{role}-packages")) == [f"deploy/locks/{role}.lock"]
    steps = re.findall(r"^COPY --from=(\S+)", stage(role), re.MULTILINE)
    assert steps == [f"{role}-packages", "source"]
    assert "RUN" not in stage(role)


def test_what_is_copied_exists_and_is_sent_to_docker() -> None:
    sent = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for source in copied(DOCKERFILE):
        assert (ROOT / source).exists(), source
        assert any(source == each or source.startswith(f"{each}/") for each in sent), source


@pytest.mark.parametrize("role", ["api", "worker"])
def test_no_image_runs_as_root_or_hides_its_process_behind_a_shell(role: str) -> None:
    assert re.search(r"^USER 10001:10001$", stage("base"), re.MULTILINE)
    assert "USER" not in stage(role)
    assert "HEALTHCHECK" in stage(role)
    assert 'ENTRYPOINT ["python", "-P", "-m", "retinoscope"]' in stage(role)


def test_bases_are_pinned() -> None:
    (base,) = re.findall(r"^ARG PYTHON=(.+)$", DOCKERFILE, re.MULTILINE)
    for image in (base, SERVICES["redis"]["image"]):
        assert re.search(r":\d+\.\d+\.\d+", image), image


@pytest.mark.parametrize(("role", "absent"), [("api", "torch"), ("worker", "fastapi")])
def test_the_locks_have_the_versions_that_are_tested(role: str, absent: str) -> None:
    pin = re.compile(r"^(\S+)==(\S+)", re.MULTILINE)
    tested = dict(pin.findall((ROOT / "requirements.lock").read_text()))
    locked = dict(pin.findall((ROOT / "deploy" / "locks" / f"{role}.lock").read_text()))
    assert locked.items() <= tested.items()
    assert absent not in locked


ALONE = """
import importlib, sys
from importlib.metadata import packages_distributions

locked = {locked!r}
for module, owners in packages_distributions().items():
    names = {{owner.lower().replace("_", "-").replace(".", "-") for owner in owners}}
    if not names & {{*locked, "retinoscope"}}:
        sys.modules[module] = None  # importing it now raises ImportError
for module in {modules!r}:
    importlib.import_module(module)
"""


@pytest.mark.parametrize(
    ("role", "modules"),
    [
        ("api", "retinoscope.cli service.app"),
        pytest.param(
            "worker",
            "retinoscope.cli workers.app workers.alive workers.maintenance workers.runner",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_image_has_all_packages_that_it_imports(role: str, modules: str) -> None:
    """Everything else that is installed here is hidden."""
    text = (ROOT / "deploy" / "locks" / f"{role}.lock").read_text()
    locked = [name.lower() for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)]
    assert len(locked) > 30
    script = ALONE.format(locked=locked, modules=modules.split())
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def test_the_source_stage_is_enough(tmp_path: Path) -> None:
    """Its files make a package that runs from a folder of its own, data and scripts included."""
    for source in copied(stage("source")):
        target = tmp_path / "source" / source
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target)
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / source, target)
    build = "from setuptools import build_meta as b; b.build_wheel('..')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path / "source", check=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "packages")
    command = [sys.executable, "-P", "-m", "retinoscope", "techniques"]
    env = os.environ | {"PYTHONPATH": str(tmp_path / "packages")}
    assert b"saliency" in subprocess.check_output(command, env=env, cwd="/")
    for path in ("jobs/scripts", "catalog/data"):
        ours = {each.name for each in (ROOT / path).iterdir() if each.suffix in (".lua", ".json")}
        assert ours <= {each.name for each in (tmp_path / "packages" / path).iterdir()}


def test_every_service_waits_for_what_it_needs() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            condition = how["condition"]
            assert other in SERVICES
            if condition == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for {other}"
            else:
                assert (condition, SERVICES[other]["restart"]) == (
                    "service_completed_successfully",
                    "no",
                )
        if name != "redis":
            assert service["depends_on"]["redis"] == {"condition": "service_healthy"}
    assert "key" in SERVICES["api"]["depends_on"]


def test_volumes_are_declared_and_redis_is_not_published() -> None:
    used = {each.split(":")[0] for service in SERVICES.values() for each in service["volumes"]}
    assert used == set(COMPOSE["volumes"])
    assert "ports" not in SERVICES["redis"]
    assert SERVICES["api"]["ports"] == ["127.0.0.1:8000:8000"]
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]
