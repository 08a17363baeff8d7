"""KServe's own client and models, in the environment of `make kserve`."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.api_keys import KeyRing
from retinoscope.redis_server import free_port
from retinoscope.stack import Plan, Stack, running
from tests.wait import wait_until

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv" / "kserve" / "bin" / "python"

Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def ask() -> Ask:
    """Return a function that runs a script of this folder with KServe, and reads its JSON."""
    if not PYTHON.exists():
        pytest.skip("KServe is not installed: run `make kserve`")

    def asked(script: str, given: Any) -> Any:
        done = subprocess.run(
            [PYTHON, Path(__file__).parent / script],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return asked


@pytest.fixture(scope="module")
def keyed(
    ask: Ask, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stack, dict[str, str]]]:
    """A stack that wants a key, with a served name, and the header that has the key."""
    data = tmp_path_factory.mktemp("kserve")
    key = KeyRing(data / "keys.json").create("platform")
    models = data / "models.toml"
    models.write_text(
        '[served.cats]\nmodel = "efficientnet_lite0"\ntechnique = "saliency"\n'
        'params = { target = "class:285" }\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETINOSCOPE_MODELS", str(models))
        with running(Plan("127.0.0.1", free_port(), data)) as stack:
            headers = {"Authorization": f"Bearer {key}"}
            url = f"{stack.plan.address}/v1/models/efficientnet_lite0"
            # A worker warms the model up when it starts, which may take longer than a client waits.
            wait_until(lambda: httpx.get(url, headers=headers).json()["weights"], 180)
            yield stack, headers
