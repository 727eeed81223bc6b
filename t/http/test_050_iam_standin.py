# SPDX-License-Identifier: Apache-2.0
"""The stand-in IAM answers as the real one does; otherwise the tests that
lean on it would prove nothing."""

import jwt
import pytest
import requests

import tokens
from iam_standin import AUTHENTICATED, StandInIAM

ADA = tokens.edi_id("https://github.com/ada")
CREW = tokens.edi_id("crew")


@pytest.fixture(name="iam")
def running_iam():
    with StandInIAM() as iam:
        iam.add_resource()
        iam.add_key("ada-key", ADA)
        iam.add_key("crew-key", CREW, cn="Field crew", is_group=True)
        iam.add_key("old-key", ADA, valid_to=1)
        yield iam


def exchange(iam, key, **more):
    return requests.post(iam.url + "/auth/v1/key", json={"key": key},
                         timeout=5, **more)


def authorized(iam, token, permission="write", resource="staging_uploads"):
    return requests.get(iam.url + "/auth/v1/authorized",
                        params={"resource_key": resource,
                                "permission": permission},
                        cookies={"edi-token": token} if token else None,
                        timeout=5)


def test_key_becomes_a_token_of_its_owner(iam):
    answer = exchange(iam, "ada-key")
    assert answer.status_code == 200
    assert list(answer.json()) == ["msg", "pasta-token", "edi-token",
                                   "method"]
    assert answer.json()["method"] == "getTokenByKey"
    assert "Content-Type" not in answer.headers
    token = answer.json()["edi-token"]
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT"}
    claims = jwt.decode(token, iam.mint.public_pem, algorithms=["ES256"])
    assert claims["sub"] == ADA
    assert claims["exp"] - claims["iat"] == 28800


def test_key_of_a_group_becomes_its_token(iam):
    token = exchange(iam, "crew-key").json()["edi-token"]
    claims = jwt.decode(token, iam.mint.public_pem, algorithms=["ES256"])
    assert (claims["sub"], claims["cn"]) == (CREW, "Field crew")
    assert claims["principals"] == [] and claims["email"] is None


@pytest.mark.parametrize("key", ["nobodys", "old-key"])
def test_unknown_and_expired_keys_are_401(iam, key):
    answer = exchange(iam, key)
    assert answer.status_code == 401
    assert answer.json()["msg"] == "Invalid API key"


def test_body_that_is_no_json_is_400(iam):
    answer = requests.post(iam.url + "/auth/v1/key", data="x", timeout=5)
    assert answer.status_code == 400
    assert answer.json()["msg"].startswith("Bad request: ")
    assert requests.post(iam.url + "/auth/v1/key", json={},
                         timeout=5).status_code == 400


def test_grant_decides_and_higher_levels_imply_lower_ones(iam):
    token = iam.token(ADA)
    refused = authorized(iam, token)
    assert refused.status_code == 403
    assert refused.json()["permission_level"] == "write"
    iam.grant(ADA, "changePermission")
    assert authorized(iam, token).status_code == 200
    iam.grant(ADA, "read")
    assert authorized(iam, token).status_code == 403
    assert authorized(iam, token, "read").status_code == 200
    iam.grant(AUTHENTICATED)
    assert authorized(iam, token).json()["method"] == "isAuthorized"
    assert authorized(iam, token).status_code == 200


def test_missing_resource_is_404_and_bad_question_400(iam):
    token = iam.token(ADA)
    assert authorized(iam, token, resource="other").status_code == 404
    assert authorized(iam, token, permission="").status_code == 400
    assert authorized(iam, token, permission="own").status_code == 400


def test_only_a_good_cookie_is_somebody(iam):
    iam.grant(AUTHENTICATED)
    assert authorized(iam, None).status_code == 401
    for name in ("expired", "wrong_iss", "wrong_hd", "wrong_key", "alg_none",
                 "alg_hs256", "nbf_future", "no_sub", "no_exp"):
        bad = tokens.bad_tokens(iam.mint, ADA)[name]
        assert authorized(iam, bad).status_code == 401, name
    header = {"Authorization": "Bearer " + iam.token(ADA)}
    answer = requests.get(iam.url + "/auth/v1/authorized", headers=header,
                          params={"resource_key": "staging_uploads",
                                  "permission": "read"}, timeout=5)
    assert answer.status_code == 401


def test_key_in_a_query_is_taken_for_signing_in(iam):
    answer = requests.get(iam.url + "/auth/v1/ping?key=ada-key", timeout=5,
                          allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/auth/ui/profile"
    assert "edi-token" in answer.cookies


def test_other_paths_and_methods(iam):
    ping = requests.get(iam.url + "/auth/v1/ping", timeout=5)
    assert (ping.status_code, ping.text) == (200, "pong")
    away = requests.get(iam.url + "/v1/ping", timeout=5,
                        allow_redirects=False)
    assert (away.status_code, away.headers["Location"]) == (
        303, "/auth/v1/ping")
    nothing = requests.get(iam.url + "/auth/v1/nothing", timeout=5)
    assert (nothing.status_code, nothing.json()) == (
        404, {"detail": "Not Found"})
    assert requests.get(iam.url + "/auth/v1/key",
                        timeout=5).status_code == 405


def test_requests_are_recorded(iam):
    exchange(iam, "ada-key")
    token = iam.token(ADA)
    authorized(iam, token)
    assert iam.seen("key")[0]["body"] == '{"key": "ada-key"}'
    seen = iam.seen("authorized")[0]
    assert seen["query"] == "resource_key=staging_uploads&permission=write"
    assert seen["cookie"] == "edi-token=" + token


def test_faults_come_when_told_and_as_often(iam):
    iam.fail("html_500", route="key", count=1)
    assert authorized(iam, iam.token(ADA)).status_code == 403
    assert exchange(iam, "ada-key").status_code == 500
    assert exchange(iam, "ada-key").status_code == 200
    iam.fail("redirect")
    assert exchange(iam, "ada-key",
                    allow_redirects=False).status_code == 303
    iam.fail("status_503")
    assert exchange(iam, "ada-key").status_code == 503
    iam.fail("truncated")
    cut = exchange(iam, "ada-key")
    assert len(cut.content) < int(cut.headers["Content-Length"])
    iam.fail("hang_up")
    with pytest.raises(requests.exceptions.ConnectionError):
        exchange(iam, "ada-key")
    iam.hang_seconds = 2
    iam.fail("hang")
    with pytest.raises(requests.exceptions.RequestException):
        requests.get(iam.url + "/auth/v1/ping", timeout=0.2)
    iam.fail(None)
    assert exchange(iam, "ada-key").status_code == 200
    with pytest.raises(ValueError):
        iam.fail("typing_mistake")


def test_bad_tokens_come_when_told(iam):
    iam.fail("wrong_key", route="key")
    token = exchange(iam, "ada-key").json()["edi-token"]
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, iam.mint.public_pem, algorithms=["ES256"])
    iam.fail("no_token")
    assert "edi-token" not in exchange(iam, "ada-key").json()


def test_other_processes_can_control_it(iam):
    order = {"add_key": {"secret": "k", "sub": ADA},
             "grant": {"principal": ADA},
             "fail": {"fault": "status_503", "route": "authorized"}}
    control = iam.url + "/_control"
    assert requests.post(control, json=order, timeout=5).status_code == 200
    token = exchange(iam, "k").json()["edi-token"]
    assert authorized(iam, token).status_code == 503
    seen = requests.get(control, timeout=5).json()
    assert [each["path"] for each in seen["requests"]] == [
        "/auth/v1/key", "/auth/v1/authorized"]
    assert "BEGIN PUBLIC KEY" in seen["public_key"]
    assert requests.post(control, json={"stop": {}},
                         timeout=5).status_code == 400
