"""`make fuzz`: send what the OpenAPI document allows, and what it does not, to a real API.

Schemathesis makes the requests. No worker runs, so that what is accepted waits. An answer that the
document does not state, a failure of the server, or a call that a stranger gets an answer from ends
with status 1.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.api_keys import KeyRing
from retinoscope.child import Child
from retinoscope.commands import api_command
from retinoscope.redis_server import configure, free_port
from tests.wait import wait_until

_VERSION = "4.32.5"
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "allow_header_conformance",
)

# Without a worker 503 is the answer to what only workers know.
_CONFIGURATION = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]
"""


def main() -> int:
    """Return the exit status of schemathesis."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--uv", default="uv", help="the uv that runs schemathesis")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    arguments, further = parser.parse_known_args()
    uv = str(Path(shutil.which(arguments.uv) or arguments.uv).absolute())
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, _api(Path(folder)) as (url, key):
        command = [
            uv, "tool", "run", f"schemathesis@{_VERSION}", "run", f"{url}/openapi.json",
            "--url", url, "--header", f"Authorization:Bearer {key}", "--checks", ",".join(_CHECKS),
            "--max-time", str(arguments.seconds), "--seed", str(arguments.seed),
            # OpenAPI 3.1 cannot describe the fields of an event.
            "--exclude-operation-id", "get_job_events", "--continue-on-failure",
            "--request-timeout", "60", "--warnings", "off", *further,
        ]  # fmt: skip
        (Path(folder) / "schemathesis.toml").write_text(_CONFIGURATION)
        return subprocess.run(command, cwd=folder, check=False).returncode


@contextmanager
def _api(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the address of an API with a Redis of its own, and a key for it."""
    key = KeyRing(folder / "keys.json").create("fuzz")
    server, redis_url = configure(folder)
    port = free_port()
    environment = {"RETINOSCOPE_REDIS_URL": redis_url, "RETINOSCOPE_DATA": str(folder)}
    children = [
        Child("redis", server, {}, folder / "redis.log", patience_s=5),
        Child("api", api_command("127.0.0.1", port), environment, folder / "api.log", patience_s=5),
    ]
    for child in children:
        child.start()
    try:
        wait_until(lambda: "startup complete" in (folder / "api.log").read_text(), 60)
        yield f"http://127.0.0.1:{port}", key
    finally:
        for child in reversed(children):
            child.stop()
        sys.stderr.write(_failures(folder / "api.log"))


def _failures(log: Path) -> str:
    """Return the lines of the log that tell of failures, for whoever reads the output."""
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(line for line in lines if "ERROR" in line or "Traceback" in line)[:5000]


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    sys.exit(main())
