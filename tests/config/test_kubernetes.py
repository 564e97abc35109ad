"""deploy/kubernetes: manifests that Kubernetes takes, and that fit each other and the service."""

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.support.servers import PROJECT

FOLDER = PROJECT / "deploy" / "kubernetes"
OLDEST, NEWEST = "1.27", "1.37"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS: list[dict[str, Any]] = [
    manifest for path in KUSTOMIZATION["resources"] for manifest in yaml.safe_load_all((FOLDER / path).read_text())
]
NAMED = [pytest.param(manifest, id=f"{manifest['kind']} {manifest['metadata']['name']}") for manifest in MANIFESTS]


def pod_templates() -> dict[str, dict[str, Any]]:
    """The pods of all deployments and jobs, by the names of these."""
    templates = {}
    for manifest in MANIFESTS:
        spec = manifest.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            templates[manifest["metadata"]["name"]] = spec["template"]
    return templates


PODS = pod_templates()


def compose_command(service: str) -> Any:
    compose = yaml.safe_load((PROJECT / "deploy" / "compose.yaml").read_text())
    return compose["services"][service].get("command")


def test_every_file_is_listed() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} == {*KUSTOMIZATION["resources"], "kustomization.yaml"}


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("manifest", NAMED)
def test_kubernetes_takes_it(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schemas_refuse_what_they_do_not_know() -> None:
    deployment = next(manifest for manifest in MANIFESTS if manifest["kind"] == "Deployment")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(
            {**deployment, "spec": {**deployment["spec"], "replica": 2}}, NEWEST, strict=True
        )


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_not_root_writes_to_no_image_and_has_limits(name: str) -> None:
    spec = PODS[name]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} == set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in spec["volumes"]}


@pytest.mark.parametrize("manifest", NAMED)
def test_selectors_choose_pods_that_there_are(manifest: dict[str, Any]) -> None:
    spec = manifest.get("spec", {})
    selectors = [spec.get("selector", {}), spec.get("podSelector", {})]
    chosen = [selector.get("matchLabels", selector) for selector in selectors]
    components = {value for labels in chosen for key, value in labels.items() if key.endswith("component")}
    for selector in selectors:
        components |= {value for term in selector.get("matchExpressions", []) for value in term["values"]}
    assert components <= {pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in PODS.values()}


@pytest.mark.parametrize(
    ("name", "service"), [("follower", "follower1"), ("worker", "worker1"), ("retries", "retries"), ("live", "live")]
)
def test_a_process_starts_as_in_the_compose_file(name: str, service: str) -> None:
    assert PODS[name]["spec"]["containers"][0]["command"] == compose_command(service)


def test_settings_are_those_that_the_service_reads() -> None:
    lines = (FOLDER / "settings.env").read_text().splitlines()
    names = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    documented = (PROJECT / "docs" / "configuration.md").read_text()
    unknown = [name for name in names if not re.search(rf"`{name.removesuffix('_FILE')}`", documented)]
    assert unknown == []
    assert len(names) > 8


def test_probes_ask_what_the_service_answers() -> None:
    for name in ("web", "live"):
        (container,) = PODS[name]["spec"]["containers"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
        ports = {port["name"] for port in container["ports"]}
        assert container["readinessProbe"]["httpGet"]["port"] in ports
    assert PODS["web"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]["path"] == "/health/ready"
