"""The Helm chart: linted, rendered, and checked with the schemas of Kubernetes."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from jobs.settings import Settings
from retinoscope.cli import app
from tests.manifests.conftest import CHART, LEAST, Render, of_kind

WARNING = 2
SCALED: dict[str, Any] = {"autoscaling": {"enabled": True, "maxReplicas": 9}}
EVERYTHING: dict[str, Any] = LEAST | {
    "images": {"pullSecrets": [{"name": "registry"}]},
    "settings": {"PRECISION": "tf32", "MAX_PASSES": 5000, "WARM_MODELS": '["resnet50"]'},
    "environment": {"AWS_REGION": "eu-central-1"},
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn"}},
    "api": {
        "ingress": {"enabled": True, "rootPath": "/eye", "tlsSecret": "tls", "className": "nginx"},
        "allowFrom": [{"namespaceSelector": {}}],
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
    },
    "workerFast": SCALED | {"gpus": 0},
    "workerSlow": SCALED | {"nodeSelector": {"gpu": "yes"}},
    "weightsClaim": "weights",
}


@pytest.mark.parametrize("values", [LEAST, EVERYTHING], ids=["least", "everything"])
def test_kubernetes_would_take_it(render: Render, values: dict[str, Any]) -> None:
    report = render(values)
    assert [each for each in report["lint"]["messages"] if each["severity"] >= WARNING] == []
    assert (report["error"], report["problems"]) == ("", [])
    assert set(of_kind(report, "Deployment")) == {
        "eye-api",
        "eye-worker-fast",
        "eye-worker-slow",
        "eye-deliver",
    }


@pytest.mark.parametrize(
    ("name", "field", "misspelled"),
    [
        ("api.yaml", "livenessProbe:", "livenessProb"),
        ("workers.yaml", "cooldownPeriod:", "cooldownTime"),
        ("networkpolicy.yaml", "policyTypes:", "policyType"),
    ],
)
def test_a_misspelled_field_is_found(
    render: Render, tmp_path: Path, name: str, field: str, misspelled: str
) -> None:
    """The check above would pass everything if it were not strict."""
    chart = tmp_path / "retinoscope"
    shutil.copytree(CHART, chart)
    file = chart / "templates" / name
    assert field in file.read_text()
    file.write_text(file.read_text().replace(field, f"{misspelled}:"))
    problems = render(EVERYTHING, chart)["problems"]
    assert problems
    assert all(misspelled in problem for problem in problems)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "artifactsUrl is missing"),
        ({"artifactsUrl": "file:///data"}, "artifactsUrl"),
        (LEAST | {"workerSlow": {"gpus": 2}}, "gpus"),
        (LEAST | {"workerSlow": {"queues": "quick"}}, "queues"),
        (LEAST | {"settings": {"RETINOSCOPE_DEVICE": "cpu"}}, "RETINOSCOPE_DEVICE"),
        (LEAST | {"api": {"replica": 3}}, "replica"),
        (LEAST | {"api": {"ingress": {"rootPath": "eye/"}}}, "rootPath"),
    ],
)
def test_values_that_would_not_work_are_refused(
    render: Render, values: dict[str, Any], word: str
) -> None:
    report = render(values)
    assert report["manifests"] == []
    assert word in report["error"]


def test_no_pod_has_more_rights_than_it_needs(render: Render) -> None:
    for name, deployment in of_kind(render(EVERYTHING), "Deployment").items():
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"], name
        assert not pod["automountServiceAccountToken"], name
        assert container["securityContext"]["readOnlyRootFilesystem"], name
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
        mounted = {each["name"] for each in container["volumeMounts"]}
        assert mounted == {each["name"] for each in pod["volumes"]}, name


def test_selectors_find_their_pods_and_no_others(render: Render) -> None:
    report = render(EVERYTHING)
    pods = {
        name: deployment["spec"]["template"]["metadata"]["labels"]
        for name, deployment in of_kind(report, "Deployment").items()
    }
    selectors = {
        name: each["spec"]["selector"]["matchLabels"]
        for kind in ("Deployment", "PodDisruptionBudget")
        for name, each in of_kind(report, kind).items()
    } | {name: each["spec"]["selector"] for name, each in of_kind(report, "Service").items()}
    for name, selector in selectors.items():
        assert [pod for pod, labels in pods.items() if selector.items() <= labels.items()] == [name]


def test_keda_scales_what_exists_by_the_queue_that_it_serves(render: Render) -> None:
    report = render(EVERYTHING)
    deployments, scaled = of_kind(report, "Deployment"), of_kind(report, "ScaledObject")
    assert len(scaled) == 2
    for queue in ("fast", "slow"):
        spec = scaled[f"eye-worker-{queue}"]["spec"]
        deployment = deployments[spec["scaleTargetRef"]["name"]]["spec"]
        assert "replicas" not in deployment, "Helm and KEDA would both set it"
        (trigger,) = spec["triggers"]
        assert trigger["metadata"] == {
            "format": "prometheus",
            "url": "http://eye-api.vision.svc:8000/metrics",
            "valueLocation": f'retinoscope_jobs_waiting{{queue="{queue}"}}',
            "targetValue": "8" if queue == "fast" else "2",
        }


def test_commands_and_settings_exist(render: Render) -> None:
    commands = {each.name or each.callback.__name__ for each in app.registered_commands}
    for deployment in of_kind(render(EVERYTHING), "Deployment").values():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["args"][0] in commands | {"deliver"}
        for variable in container["env"]:
            setting = variable["name"].removeprefix("RETINOSCOPE_")
            if setting != variable["name"]:
                assert setting.lower() in Settings.model_fields, setting
