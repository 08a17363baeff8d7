"""deploy/kserve/inferenceservice.yaml, against the models of KServe and our own command line."""

from typing import Any

import pytest
import yaml
from typer.main import get_command

from jobs.settings import Settings
from retinoscope.cli import app
from tests.kserve.conftest import ROOT, Ask

FILE = ROOT / "deploy" / "kserve" / "inferenceservice.yaml"
TEXT = FILE.read_text()
SPECS: list[dict[str, Any]] = [each["spec"] for each in yaml.safe_load_all(TEXT)]
OURS = [SPECS[0]["predictor"], SPECS[1]["explainer"]]


def test_kserve_knows_every_field(ask: Ask) -> None:
    assert ask("manifest.py", TEXT) == [[], []]


@pytest.mark.parametrize(
    ("field", "misspelled"),
    [
        ("explainer:", "explaner:"),
        ("minReplicas:", "minReplica:"),
        ("readinessProbe:", "readynessProbe:"),
        ("storageUri:", "storageURI:"),
        ("secretName:", "secret_name:"),
    ],
)
def test_a_misspelled_field_is_found(ask: Ask, field: str, misspelled: str) -> None:
    assert field in TEXT
    found = ask("manifest.py", TEXT.replace(field, misspelled))
    assert misspelled[:-1] in str(found)


@pytest.mark.parametrize("part", OURS, ids=["predictor", "explainer"])
def test_the_command_and_the_settings_are_ours(part: dict[str, Any]) -> None:
    (container,) = part["containers"]
    command = get_command(app).commands[container["args"][0]]
    options = {name for parameter in command.params for name in parameter.opts}
    sent = {each for each in container["args"] if each.startswith("--")}
    assert sent | {"--model_name", "--predictor_host", "--http_port", "--workers"} <= options
    for variable in container["env"]:
        assert variable["name"].removeprefix("RETINOSCOPE_").lower() in Settings.model_fields
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in part["volumes"]}


@pytest.mark.parametrize("part", OURS, ids=["predictor", "explainer"])
def test_it_listens_beyond_loopback_with_keys(part: dict[str, Any]) -> None:
    (container,) = part["containers"]
    names = {variable["name"] for variable in container["env"]}
    assert "0.0.0.0" in container["args"] and "RETINOSCOPE_KEYS_FILE" in names
