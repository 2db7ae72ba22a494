"""What `deploy/` makes for Kubernetes: rendered by kustomize, and held against Kubernetes' own schemas."""

import functools
import json
import re
import shutil
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml

from service.api.state import LAST_ANSWERS_S
from service.app import STOP_TIMEOUT_S
from service.cli.server import CLOSE_TIMEOUT_S
from service.settings import Settings
from tests.weights import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
OVERLAYS = sorted(folder.name for folder in (DEPLOY / "overlays").iterdir())
KUBERNETES = "1.34"
OPERATORS = ("ScaledObject", "RayCluster")
"""Kinds of operators, KEDA's and KubeRay's, whose schemas no package has."""

SECRETS = {"SILHOUETTE_SHARED_URL": "redis://:password@redis:6379/0"}
"""What a cluster's own Secrets would say."""

Resource = dict[str, Any]


@functools.cache
def rendered(overlay: str) -> list[Resource]:
    """By `kustomize build`, or kubectl's; skips where there is neither."""
    folder = DEPLOY / "overlays" / overlay
    for program, *verb in (("kustomize", "build"), ("kubectl", "kustomize")):
        if shutil.which(program):
            ran = subprocess.run([program, *verb, folder], capture_output=True, text=True, timeout=120, check=True)
            return list(yaml.safe_load_all(ran.stdout))
    pytest.skip("there is neither kustomize nor kubectl")


def of_kind(overlay: str, kind: str) -> list[Resource]:
    return [resource for resource in rendered(overlay) if resource["kind"] == kind]


def pod(overlay: str) -> Resource:
    (deployment,) = of_kind(overlay, "Deployment")
    template: Resource = deployment["spec"]["template"]
    return template


def environment(overlay: str) -> dict[str, str]:
    (container,) = pod(overlay)["spec"]["containers"]
    return {entry["name"]: entry.get("value", SECRETS.get(entry["name"], "")) for entry in container["env"]}


def pods_of(overlay: str) -> list[Resource]:
    """The specifications of all pods, Ray's as well."""
    clusters = of_kind(overlay, "RayCluster")
    specs = [each["spec"] for each in clusters]
    groups = [group for spec in specs for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"])]
    return [pod(overlay)["spec"], *(group["template"]["spec"] for group in groups)]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_resource_is_as_kubernetes_wants_it(overlay: str) -> None:
    for resource in rendered(overlay):
        if resource["kind"] not in OPERATORS:
            kubernetes_validate.validate(resource, KUBERNETES, strict=True)


def test_the_schemas_find_what_is_misspelt() -> None:
    (service,) = of_kind("cpu", "Service")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**service, "spec": {**service["spec"], "portz": []}}, KUBERNETES, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_is_given_longer_to_stop_than_the_service_takes(overlay: str) -> None:
    spec = pod(overlay)["spec"]
    before_s = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain_s = float(environment(overlay)["SILHOUETTE_DRAIN_TIMEOUT_S"])
    rest_s = LAST_ANSWERS_S + CLOSE_TIMEOUT_S + STOP_TIMEOUT_S
    assert spec["terminationGracePeriodSeconds"] > before_s + drain_s + rest_s


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_setting_that_is_set_exists_and_is_valid(overlay: str) -> None:
    own = {name: value for name, value in environment(overlay).items() if name.startswith("SILHOUETTE_")}
    fields = {name.removeprefix("SILHOUETTE_").lower(): value for name, value in own.items()}
    Settings(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_what_the_service_answers(overlay: str) -> None:
    (container,) = pod(overlay)["spec"]["containers"]
    asked = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert {name: probe["path"] for name, probe in asked.items()} == {
        "startup": "/startupz",
        "readiness": "/readyz",
        "liveness": "/livez",
    }
    assert {probe["port"] for probe in asked.values()} == {container["ports"][0]["name"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_whoever_selects_pods_finds_those_of_the_deployment(overlay: str) -> None:
    labels = pod(overlay)["metadata"]["labels"].items()
    (service,), (budget,), (deployment,) = (
        of_kind(overlay, kind) for kind in ("Service", "PodDisruptionBudget", "Deployment")
    )
    selectors = [service["spec"]["selector"]]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in (budget, deployment)]
    selectors += [each["labelSelector"]["matchLabels"] for each in pod(overlay)["spec"]["topologySpreadConstraints"]]
    assert all(selector and selector.items() <= labels for selector in selectors)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_container_is_confined_and_has_what_it_takes_named(overlay: str) -> None:
    for spec in pods_of(overlay):
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]) & set(container["resources"]["limits"])


@pytest.mark.parametrize("overlay", [overlay for overlay in OVERLAYS if overlay != "ray"])
def test_nothing_goes_out(overlay: str) -> None:
    (policy,) = of_kind(overlay, "NetworkPolicy")
    assert "Egress" in policy["spec"]["policyTypes"]
    assert policy["spec"]["egress"] == []


def test_to_a_ray_cluster_goes_what_goes_there_and_to_dns_and_nothing_else() -> None:
    for policy in of_kind("ray", "NetworkPolicy"):
        for rule in policy["spec"]["egress"]:
            assert all(set(peer) in ({"podSelector"}, {"namespaceSelector"}) for peer in rule["to"])
            if "namespaceSelector" in rule["to"][0]:
                assert {port["port"] for port in rule["ports"]} == {53}


def test_where_fronts_are_many_jobs_are_in_a_redis_that_they_may_ask() -> None:
    assert environment("ray")["SILHOUETTE_JOBS"] == "redis"
    (policy,) = [each for each in of_kind("ray", "NetworkPolicy") if each["metadata"]["name"] == "silhouette-to-redis"]
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod("ray")["metadata"]["labels"].items()
    assert policy["spec"]["egress"][0]["ports"] == [{"protocol": "TCP", "port": 6379}]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_one_autoscaler_decides_and_never_ends_the_last_but_one(overlay: str) -> None:
    (scaler,) = of_kind(overlay, "HorizontalPodAutoscaler") + of_kind(overlay, "ScaledObject")
    fewest = scaler["spec"].get("minReplicas") or scaler["spec"].get("minReplicaCount")
    assert fewest == pod_count(overlay) == 2
    assert scaler["spec"]["scaleTargetRef"]["name"] == of_kind(overlay, "Deployment")[0]["metadata"]["name"]


def pod_count(overlay: str) -> int:
    return int(of_kind(overlay, "Deployment")[0]["spec"]["replicas"])


def test_what_is_scaled_by_is_a_metric_of_the_service() -> None:
    (scaler,) = of_kind("gpu", "ScaledObject")
    told = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")  # each of them is there, a test insists
    asked = set(re.findall(r"silhouette_\w+", json.dumps(scaler["spec"]["triggers"])))
    assert asked == {"silhouette_queue_depth", "silhouette_oldest_wait_seconds"}
    assert all(f"`{name}`" in told for name in asked)
