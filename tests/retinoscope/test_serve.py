"""The one-machine stack starts, says where, and leaves nothing behind however it ends."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from jobs.api_keys import KeyRing
from retinoscope.redis_server import free_port
from tests.retinoscope.serving import serving
from tests.wait import wait_until

LIGHT = {"RETINOSCOPE_WARM_MODELS": "[]"}


def gone(family: list[psutil.Process]) -> bool:
    return not any(
        process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_no_process_is_left(tmp_path: Path, number: int) -> None:
    with serving(tmp_path, **LIGHT) as stack:
        assert stack.client.get("/readyz").json() == {
            "status": "ready",
            "redis": "ok",
            "artifacts": "ok",
            "workers": 1,
            "warnings": [],
        }
        family = stack.family()
        assert len(family) >= 4  # redis, worker and its child, api
        stack.send(number)
        code = stack.process.wait(40)
        wait_until(lambda: gone(family), 10)
        if number != signal.SIGKILL:
            assert code == 0 and "Stopped." in stack.log.read_text()


def test_two_stacks_do_not_share_a_folder(tmp_path: Path) -> None:
    with serving(tmp_path, **LIGHT):
        second = run("serve", "--data", str(tmp_path), "--port", str(free_port()))
        assert second.returncode == 2 and "Another stack runs" in second.stderr


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with serving(tmp_path / "a", **LIGHT) as stack:
        port = str(stack.client.base_url.port)
        second = run("serve", "--data", str(tmp_path / "b"), "--port", port)
        assert (
            second.returncode == 2
            and "Choose --port" in second.stderr
            and "Traceback" not in second.stderr
        )


def test_listening_beyond_loopback_needs_keys(tmp_path: Path) -> None:
    refused = run("serve", "--data", str(tmp_path), "--host", "0.0.0.0")
    assert refused.returncode == 2 and "retinoscope keys create" in refused.stderr


def test_keys_are_made_listed_and_revoked_and_stored_hashed(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    secret = run("keys", "create", "ada", *data).stdout.strip()
    stored = (tmp_path / "keys.json").read_text()
    assert secret not in stored and (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
    assert KeyRing(tmp_path / "keys.json").owner(secret) == "ada"
    key_id = json.loads(stored)["keys"][0]["id"]
    assert f"{key_id}…  ada" in run("keys", "list", *data).stdout
    assert run("keys", "check", *data).returncode == 0
    assert run("keys", "revoke", key_id, *data).returncode == 0
    assert KeyRing(tmp_path / "keys.json").owner(secret) is None


def test_the_key_file_is_listed_with_dates_and_limits_and_checked(tmp_path: Path) -> None:
    data, path = ("--data", str(tmp_path)), tmp_path / "keys.json"
    for owner in ("ada", "bob"):
        KeyRing(path).create(owner)
    keys = json.loads(path.read_text())["keys"]
    keys[0]["created_s"] = 1_000_000_000

    def limit(**owners: dict[str, float]) -> None:
        path.write_text(json.dumps({"keys": keys, "owners": owners}))

    limit(ada={"weight": 2.5, "max_open": 1000})
    heads, ada, bob = (line.split() for line in run("keys", "list", *data).stdout.splitlines())
    assert heads[2:] == ["created", "weight", "requests_per_minute", "max_open", "max_running"]
    assert ada[1:] == ["ada", "2001-09-09", "2.5", "-", "1000", "-"]
    assert bob[1] == "bob" and bob[3:] == ["1", "-", "-", "-"]
    limit(ada={"max_opne": 3}, carol={})
    checked = run("keys", "check", *data)
    assert checked.returncode == 1
    assert "owners.ada.max_opne: not a limit" in checked.stdout
    assert "owners.carol: no key" in checked.stdout
    limit(ada={"weight": -1})
    for verb in ("check", "list"):
        checked = run("keys", verb, *data)
        assert checked.returncode == 2 and "owners.ada.weight: Input should be" in checked.stderr
        assert "Traceback" not in checked.stderr


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "retinoscope", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.crash
def test_a_short_job_never_waits_for_a_long_one(tmp_path: Path, coffee: bytes) -> None:
    """As served by default: one worker for all jobs, busy for a minute, and one for short jobs."""
    with serving(tmp_path, "--fast-workers", "1") as stack:
        assert stack.client.get("/readyz").json()["workers"] == 2
        image, fields = {"image": coffee}, {"steps": "200", "size": "600", "seed": "1"}
        long = (
            stack.client.post("/v1/jobs/deep_dream", files=image, data=fields)
            .raise_for_status()
            .json()["urls"]
        )
        wait_until(lambda: stack.client.get(long["self"]).json()["status"] == "running", 60)
        short = stack.client.post(
            "/v1/jobs/predict", files=image, headers={"Prefer": "wait=60"}
        ).json()
        assert short["status"] == "succeeded"
        assert stack.client.get(long["self"]).json()["status"] == "running"
        stack.client.post(long["cancel"]).raise_for_status()
