"""Lint and render the Helm chart, and check the result with the schemas of Kubernetes.

It runs in the environment of `make manifests`, which has Helm and nothing of ours. It reads values
as JSON, and prints a JSON object with `lint`, `error`, `manifests` and `problems`.
"""

import json
import sys
import warnings

import helm_python as helm
import kubernetes_validate
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject

KUBERNETES = "1.34"


def main(chart: str) -> None:
    values = json.load(sys.stdin)
    report = {"lint": helm.lint(chart, values, strict=True), "error": "", "manifests": []}
    try:
        with helm.Chart.load(chart) as loaded:
            rendered = loaded.render(values, name="eye", namespace="vision")
    except helm.HelmError as error:
        rendered, report["error"] = {}, str(error)
    documents = [each for text in rendered.values() for each in yaml.safe_load_all(text) if each]
    report["manifests"] = documents
    report["problems"] = [problem for each in documents for problem in problems(each)]
    json.dump(report, sys.stdout)


def problems(document: dict) -> list[str]:
    """Return what the strict schemas of Kubernetes or the models of KEDA refuse."""
    if document["apiVersion"].startswith("keda.sh/"):
        return keda_problems(document)
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{document['kind']}: {error.path}: {error.message}"]
    return []


def keda_problems(document: dict) -> list[str]:
    """Return why KEDA would refuse a resource. A field that it does not know is lost on reading."""
    try:
        read = ScaledObject.model_validate(document)
    except ValueError as error:
        return [f"ScaledObject: {error}"]
    kept = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return [f"ScaledObject: not known: {lost}" for lost in unknown(document, kept)]


def unknown(document: object, kept: object, path: str = "") -> list[str]:
    """Return the paths of what a copy lacks or has otherwise."""
    if isinstance(document, dict) and isinstance(kept, dict):
        names = [(name, value, kept.get(name)) for name, value in document.items()]
    elif isinstance(document, list) and isinstance(kept, list) and len(document) == len(kept):
        names = [(i, *pair) for i, pair in enumerate(zip(document, kept, strict=True))]
    else:
        return [] if document == kept else [path]
    return [lost for name, one, other in names for lost in unknown(one, other, f"{path}/{name}")]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1])
