# SPDX-License-Identifier: Apache-2.0
"""Together with other modules of httpd, both ways round."""

import pytest
import requests

import wire
from clients import Client

GUESS = "00000000-0000-4000-8000-000000000000"
CAROL = ("carol", "secret-of-carol")
DAVE = ("dave", "secret-of-dave")


def basic(server, auth):
    return Client(server, "/basic", auth=auth)


def test_a_user_of_another_module_is_a_principal_here(server):
    carol = basic(server, CAROL)
    entry = carol.stage()
    owner = server.sql("SELECT owner FROM upload WHERE id = %s", entry["id"])
    assert owner == [("httpd:carol",)]
    assert carol.get(entry["id"]).json() == entry
    assert carol.delete(entry["id"]).status_code == 204


def test_users_of_another_module_are_told_apart(server):
    entry = basic(server, CAROL).stage()
    assert basic(server, DAVE).get(entry["id"]).status_code == 404
    assert basic(server, DAVE).list() == []


OTHERS = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
          {"Origin": "https://evil.example"}, {"Origin": "null"}]


@pytest.mark.parametrize("headers", OTHERS, ids=str)
@pytest.mark.parametrize("method, path", [
    ("POST", "/basic"), ("DELETE", "/basic/" + GUESS),
    ("POST", "/basic/delete"), ("POST", "/resumable-basic"),
    ("DELETE", "/resumable-basic/" + GUESS),
    ("PATCH", "/resumable-basic/" + GUESS),
    ("DELETE", "/session-basic/all"),
    ("POST", "/operation-basic/jobs/1/retry")])
def test_row_27_no_foreign_page_changes_anything_by_a_password_of_httpd(
        server, method, path, headers):
    """A browser repeats it by itself, whatever page asks."""
    body, kind = wire.form(("file", b"of a foreign page", "f.txt"))
    response = Client(server, path, auth=CAROL).request(
        method, data=body, headers={**headers, "Content-Type": kind,
                                    "Tus-Resumable": "1.0.0"})
    assert response.status_code == 403
    assert "other sites" in response.text
    assert "Location" not in response.headers


def test_pages_of_ours_use_a_password_of_httpd(server):
    carol = basic(server, CAROL)
    for headers in ({"Sec-Fetch-Site": "same-origin"},
                    {"Origin": server.url}):
        posted = carol.post(headers=headers)
        assert posted.status_code == 202
        assert carol.request("DELETE", "/" + posted.json()["id"],
                             headers=headers).status_code == 204


def test_an_account_of_the_same_name_is_somebody_else(server):
    entry = basic(server, CAROL).stage()
    account = Client(server, "/upload", server.key("carol"))
    assert account.get(entry["id"]).status_code == 404


@pytest.mark.parametrize("auth", [None, ("carol", "wrong"), ("eve", "x")])
def test_the_other_module_refuses_in_our_shape(server, auth):
    response = basic(server, auth).request("GET")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic")
    assert set(response.json()) == {"detail", "request_id"}
    # mod_auth_basic tells the administrator
    server.log.fresh()


def test_a_refusal_of_the_other_module_comes_before_the_body(server):
    with server.connect() as connection:
        connection.request("POST", "/basic?filename=x", {
            "Content-Length": 1 << 30, "Expect": "100-continue"})
        assert connection.response("POST").status == 401
        assert connection.is_closed()


def test_a_user_counts_only_where_a_location_says_so(server):
    response = Client(server, "/upload", auth=CAROL).request("GET")
    assert response.status_code == 401


def page(server, key=None):
    headers = {"Authorization": "Bearer " + key} if key else {}
    return requests.get(server.url + "/pages/page.txt", headers=headers,
                        timeout=20)


def test_our_keys_protect_pages_of_other_handlers(server, alice_key):
    assert page(server, alice_key).text == "a page\n"
    refused = page(server)
    assert refused.status_code == 401
    assert "Bearer" in refused.headers["WWW-Authenticate"]
    assert page(server, alice_key[:-1]).status_code == 401
    writer = server.key("writer", "--scope", "write")
    assert page(server, writer).status_code in (401, 403)
    server.log.fresh()


def test_grants_of_httpd_guard_our_handlers_too(server, alice_key):
    reader = server.key("reader", "--scope", "read")
    for path, key, method, status in (
            ("/staging-auth", alice_key, "GET", 200),
            ("/staging-auth", reader, "GET", 403),
            ("/staging-auth", None, "GET", 401),
            ("/readers", reader, "GET", 200),
            ("/readers", reader, "DELETE", 405),
            ("/readers", alice_key, "GET", 200)):
        response = Client(server, path, key).request(method)
        assert response.status_code == status, (path, response.text)
        if status >= 400:
            assert "detail" in response.json()
    server.log.fresh()


def test_grants_of_the_iam_count_for_httpd_too(server, iam):
    token = server.secret(iam.token("EDI-" + "5" * 40))
    caller = Client(server, "/staging-auth", token)
    assert caller.request("GET").status_code == 403
    iam.grant("EDI-" + "5" * 40)
    server.wait(lambda: caller.request("GET").status_code == 200)
    server.log.fresh()


def test_the_user_of_a_request_is_logged(server, alice_key):
    Client(server, "/readers", alice_key).request("GET", "?limit=1&for=log")
    line = server.wait(lambda: [
        line for line in (server.logs / "access.log").read_text().splitlines()
        if "for=log" in line])[-1]
    assert " account:" in line


def test_require_stands_in_the_way_of_a_wrong_word(server):
    text = server.conf_with('<Location "/wrong">\nAuthType Staging\n'
                            'Require staging-grant fly\n</Location>')
    status, said = server.node.test(text)
    assert status != 0
    assert "Require staging-grant wants read, delete or upload" in said
