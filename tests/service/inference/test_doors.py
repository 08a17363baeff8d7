"""Keys, limits, prefixes, methods and metrics treat the inference protocols as they should."""

import json

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobs.api_keys import KeyRing
from jobs.settings import Settings
from tests.service.asking import newest_job, refused, refused_inference, store_image
from tests.service.conftest import Serve, watchful
from tests.service.inference.asking import NAME, b64, explain, infer, instance, tensor
from tests.service.pictures import plain

TINY = plain(40, 30)
AT_ONCE = {"Prefer": "respond-async"}
PRIVATE = [
    ("POST", f"/v1/models/{NAME}:explain"),
    ("POST", f"/v1/models/{NAME}:predict"),
    ("GET", "/v2"),
    ("GET", "/v2/models"),
    ("GET", f"/v2/models/{NAME}"),
    ("GET", f"/v2/models/{NAME}/ready"),
    ("POST", f"/v2/models/{NAME}/infer"),
    ("POST", f"/v2/models/{NAME}/versions/1/infer"),
]


@pytest.fixture
def ring(settings: Settings) -> KeyRing:
    return KeyRing(settings.keys_location)


def test_all_but_health_checks_want_a_key(serve: Serve, settings: Settings, ring: KeyRing) -> None:
    key = ring.create("ada")
    own = serve(settings)
    for method, path in PRIVATE:
        answer = own.request(method, path)
        refused_inference(answer, 401, "unauthorized", "X-API-Key")
        assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/v2/health/live", "/v2/health/ready"):
        assert own.get(path).status_code == 200
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        assert own.get("/v2", headers=headers).status_code == 200


def test_without_keys_strangers_are_refused_in_the_form_they_read(own: httpx.Client) -> None:
    stranger = {"X-Forwarded-For": "203.0.113.9"}
    for method, path in PRIVATE:
        refused_inference(own.request(method, path, headers=stranger), 403, "keys_required")
    host = {"Host": "cats.default.example"}
    refused_inference(own.get("/v2", headers=host), 403, "forbidden_origin", "ALLOWED_HOSTS")


def test_what_belongs_to_another_key_is_not_seen(
    serve: Serve, settings: Settings, ring: KeyRing
) -> None:
    keys = ring.create("ada"), ring.create("bob")
    address = str(serve(settings).base_url)
    ada, bob = (watchful(address, **{"X-API-Key": key}) for key in keys)
    with ada, bob:
        stored = store_image(ada, TINY)["id"]
        answer = explain(ada, stored, headers=AT_ONCE)
        refused(bob.get(answer.json()["job"]), 404, "job_not_found")
        refused_inference(explain(bob, stored), 400, "unknown_image")
        refused_inference(infer(bob, inputs=[tensor(stored)]), 400, "unknown_image")
        assert newest_job(bob) is None


def test_limits_of_an_owner_hold(serve: Serve, settings: Settings, ring: KeyRing) -> None:
    key = ring.create("ada")
    limits = {"requests_per_minute": 5, "max_open": 2}
    content = json.loads(ring.path.read_text())
    ring.path.write_text(json.dumps(content | {"owners": {"ada": limits}}))
    with watchful(str(serve(settings).base_url), **{"X-API-Key": key}) as ada:
        other = plain(50, 30)
        answer = explain(ada, instance(TINY), instance(other), instance(plain(60, 30)))
        refused_inference(answer, 429, "too_many_jobs")
        assert answer.headers["retry-after"]
        assert ada.get("/v1/usage").json()["open"] == 0, "the first two were left to nobody"
        keyed = AT_ONCE | {"Idempotency-Key": "again"}
        assert explain(ada, instance(TINY), headers=keyed).status_code == 202
        assert explain(ada, instance(TINY), instance(other), headers=AT_ONCE).status_code == 429
        assert ada.get("/v1/usage").json()["open"] == 1
        answer = explain(ada, instance(TINY))
        refused_inference(answer, 429, "too_many_requests", "5 calls in a minute")
        assert answer.headers["ratelimit"].startswith('"calls";r=0')


def test_with_a_key_what_was_created_before_a_refusal_is_found_again(
    serve: Serve, settings: Settings, ring: KeyRing
) -> None:
    key = ring.create("ada")
    content = json.loads(ring.path.read_text())
    images = [instance(plain(40 + i, 30)) for i in range(3)]
    keyed = AT_ONCE | {"Idempotency-Key": "mine"}
    with watchful(str(serve(settings).base_url), **{"X-API-Key": key}) as ada:
        ring.path.write_text(json.dumps(content | {"owners": {"ada": {"max_open": 2}}}))
        assert explain(ada, *images, headers=keyed).status_code == 429
        first = {job["id"] for job in ada.get("/v1/jobs").json()["items"]}
        assert len(first) == 2
        ring.path.write_text(json.dumps(content))
        answer = explain(ada, *images, headers=keyed)
        assert answer.status_code == 202
        assert len(ada.get("/v1/jobs").json()["items"]) == 3
        assert first < {job.rpartition("/")[2] for job in answer.json()["jobs"]}


def test_a_body_over_the_limit_is_refused_while_it_arrives(
    serve: Serve, settings: Settings
) -> None:
    own = serve(settings.model_copy(update={"max_body_bytes": 1024}))
    for path in (f"/v1/models/{NAME}:explain", f"/v2/models/{NAME}/infer"):
        answer = own.post(path, content=b" " * 2000)
        refused_inference(answer, 413, "body_too_large", "1,024 bytes")


def test_below_a_prefix_addresses_have_it(serve: Serve, settings: Settings) -> None:
    own = serve(settings.model_copy(update={"root_path": "/eye"}))
    for prefix in ("", "/eye"):
        answer = own.post(
            f"{prefix}/v1/models/{NAME}:explain",
            json={"instances": [b64(TINY)]},
            headers=AT_ONCE,
        )
        assert answer.json()["job"] == answer.headers["location"]
        assert answer.headers["location"].startswith("/eye/v1/jobs/")
        assert own.get(f"{prefix}/v2/health/live").json() == {"live": True}
        refused_inference(own.get(f"{prefix}/v2/nothing"), 404, "not_found", "/v2")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (f"/v1/models/{NAME}:explain", "POST"),
        ("/v1/models/dogs:predict", "POST"),
        (f"/v2/models/{NAME}/infer", "POST"),
        ("/v2/models", "GET, HEAD"),
        ("/v2/health/ready", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_taken(own: httpx.Client, path: str, allowed: str) -> None:
    for method in {"GET", "POST", "PUT", "DELETE"} - set(allowed.split(", ")):
        answer = own.request(method, path)
        refused_inference(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == allowed


def test_a_colon_in_a_name_of_timm_is_no_verb(own: httpx.Client) -> None:
    assert own.get("/v1/models/timm:resnet18").json()["name"] == "timm:resnet18"
    refused(own.post("/v1/models/timm:resnet18"), 405, "method_not_allowed")
    answer = own.post(
        "/v1/models/timm:resnet18/predict", files={"image": TINY}, headers={"Prefer": "wait=0"}
    )
    assert answer.json()["model"] == "timm:resnet18"
    refused_inference(own.post("/v1/models/timm:explain", json={}), 404, "unknown_model")
    refused(own.get("/v1/models/timm:explainer"), 404, "unknown_model")
    refused(own.get("/v1/models/timm:explain/classes"), 404, "unknown_model")


def test_metrics_name_templates_and_never_a_name(own: httpx.Client) -> None:
    own.post("/v1/models/secret-name:explain", json={})
    own.get("/v2/models/secret-name/ready")
    text = own.get("/metrics").text
    assert "secret-name" not in text
    (family,) = [
        each
        for each in text_string_to_metric_families(text)
        if each.name == "retinoscope_http_requests"
    ]
    seen = {(each.labels["path"], each.labels["status"], each.labels["code"])
            for each in family.samples}  # fmt: skip
    assert ("/v1/models/{name}:explain", "404", "unknown_model") in seen
    assert ("/v2/models/{name}/ready", "404", "unknown_model") in seen


def test_a_bad_idempotency_key_is_refused_before_anything_is_stored(own: httpx.Client) -> None:
    answer = explain(own, instance(TINY), headers={"Idempotency-Key": '"'})
    refused_inference(answer, 400, "invalid_idempotency_key")
    assert newest_job(own) is None
