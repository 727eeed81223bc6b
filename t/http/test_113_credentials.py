# SPDX-License-Identifier: Apache-2.0
"""How credentials travel: exactly one, and never into anything that is kept
or shown."""

import base64
import re

import pytest
import requests

import wire
from clients import Client

MARK = "visible-mark-in-the-query"


def ask(server, path, query="", **headers):
    return requests.get(server.url + path + query, headers=headers,
                        timeout=20, allow_redirects=False)


# --- exactly one ---------------------------------------------------------------

@pytest.mark.parametrize("query, header", [
    ("?key=K&token=T", None), ("?key=K&key=K", None),
    ("?token=T&token=T", None), ("?key=K", "T"), ("?token=T", "K"),
    ("?key=K&key=", None), ("?key=K&%6Bey=K", None),
    ("?%74oken=T&token=T", None), ("?key=&token=", None)], ids=str)
def test_more_than_one_credential_is_400(server, alice_key, query, header):
    values = {"K": alice_key, "T": server.token("grace")}
    for sign, value in values.items():
        query = re.sub(rf"\b{sign}\b", value, query)
    headers = {"Authorization": "Bearer " + values[header]} if header else {}
    response = ask(server, "/upload", query, **headers)
    assert response.status_code == 400
    assert alice_key not in response.text


def test_a_repeated_authorization_header_is_400(server, alice_key):
    with server.connect() as connection:
        line = f"Authorization: Bearer {alice_key}\r\n"
        connection.send(("GET /upload HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                         + line + line + "\r\n").encode())
        assert connection.response().status == 400


@pytest.mark.parametrize("query", ["", "?", "?key", "?key=", "?token=",
                                   "?other=1"])
def test_no_credential_is_401(server, query):
    response = ask(server, "/upload", query)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert set(response.json()) == {"detail", "request_id"}


@pytest.mark.parametrize("value", [
    "Basic YWxpY2U6c2VjcmV0", "Bearer", "Bearer ", "Token x", "Bearer a b",
    "Digest username=\"x\"", "Bearer \u00ff"], ids=ascii)
def test_another_scheme_is_401(server, value):
    with server.connect() as connection:
        connection.request("GET", "/upload", {"Authorization": value})
        assert connection.response().status == 401


def test_names_may_be_percent_encoded(server, alice_key):
    assert ask(server, "/upload", "?%6Bey=" + alice_key).status_code == 200
    assert ask(server, "/upload", "?%6b%65%79=" + alice_key).status_code == 200
    coded = "".join(f"%{ord(sign):02x}" for sign in alice_key)
    assert ask(server, "/upload", "?key=" + coded).status_code == 200


def test_names_are_case_sensitive(server):
    assert ask(server, "/upload", "?KEY=x").status_code == 401


@pytest.mark.parametrize("query", ["?key=K", "?token=T", "?%6Bey=K"])
def test_where_the_query_form_is_off_it_is_400(server, alice_key, query):
    query = query.replace("K", alice_key).replace("T", server.token("grace"))
    response = ask(server, "/noquery", query)
    assert response.status_code == 400
    assert "Authorization" in response.json()["detail"]
    assert ask(server, "/noquery", Authorization="Bearer " + alice_key
               ).status_code == 200


# --- never kept ------------------------------------------------------------------

def test_a_log_shows_the_request_without_the_secret(server, alice_key):
    server.secret(alice_key)
    ask(server, "/upload", f"?mark={MARK}&key={alice_key}&limit=1")
    line = server.wait(lambda: [
        line for line in (server.logs / "access.log").read_text().splitlines()
        if MARK in line])[-1]
    assert f"GET /upload?mark={MARK}&key=***&limit=1 HTTP/1.1" in line
    assert alice_key not in line


def test_other_parameters_survive_the_masking(server, alice_key):
    for query in ("?key={}&status=success&limit=1",
                  "?status=success&limit=1&key={}",
                  "?status=success&key={}&limit=1",
                  "?&&status=success&&key={}&&limit=1&"):
        response = ask(server, "/upload", query.format(alice_key))
        assert response.status_code == 200
        assert len(response.json()) <= 1


REQUEST_LINES = [
    "GET /upload?key={} HTTP/1.1", "GET /upload?key={} HTTP/1.0",
    "GET /upload?key={}", "GET /upload?key={} HTTP/9.9",
    "GET /upload?key={} FTP/1.1", "GET  /upload?key={} HTTP/1.1",
    "GET /upload?key={} HTTP/1.1 more", "GET /upload?key={}\tHTTP/1.1",
    "GET upload?key={} HTTP/1.1", "GET http://127.0.0.1/upload?key={} "
    "HTTP/1.1", "GET //upload?key={} HTTP/1.1",
    "GET /./upload?key={} HTTP/1.1", "GET /x/../upload?key={} HTTP/1.1",
    "GET /%75pload?key={} HTTP/1.1", "GET /upload/?key={} HTTP/1.1",
    "GET /upload%2F?key={} HTTP/1.1", "GET /upload%00?key={} HTTP/1.1",
    "GET /upload?a=%zz&key={} HTTP/1.1", "GET /upload?key={}#x HTTP/1.1",
    "GET /upload?%6Bey={} HTTP/1.1", "GET /upload?key={}&\x01 HTTP/1.1",
    "G\x01ET /upload?key={} HTTP/1.1", "BREW /upload?key={} HTTP/1.1",
    "OPTIONS /upload?key={} HTTP/1.1", "TRACE /upload?key={} HTTP/1.1",
    "GET /upload?key={}&x=" + "y" * 9000 + " HTTP/1.1",
    "GET /upload?x=" + "y" * 8100 + "&key={} HTTP/1.1",
    "POST /upload?key={} HTTP/1.1", "PUT /upload?key={} HTTP/1.1",
    "GET /download/x?signature={} HTTP/1.1",
    "GET http://[::1/upload?key={} HTTP/1.1",
]


@pytest.mark.parametrize("line", REQUEST_LINES, ids=lambda line: ascii(
    line[:40]))
def test_no_request_line_takes_a_secret_into_a_log(server, line):
    key = server.key("leaky")
    with server.connect() as connection:
        connection.send((line.replace("{}", key) + "\r\nHost: 127.0.0.1\r\n"
                         "Connection: close\r\n\r\n").encode("latin-1"))
        connection.file.read()
    # a part of it would be as bad
    assert not server.find_secrets(key[:24])


HEADERS = [
    "Broken header without a colon", " folded", "X: \x01", "Host: a b",
    "Host: x\r\nHost: y", "Content-Length: nonsense",
    "Content-Length: 1\r\nContent-Length: 2", "Transfer-Encoding: nonsense",
    "X: " + "y" * 9000, "Expect: nonsense", "Range: bytes=x",
    "Upgrade: h2c\r\nConnection: Upgrade", "Connection: keep-alive, x"]


@pytest.mark.parametrize("header", HEADERS, ids=lambda text: ascii(text[:24]))
def test_no_broken_header_takes_a_secret_into_a_log(server, header):
    key = server.key("leaky")
    with server.connect() as connection:
        connection.send(f"GET /upload?key={key} HTTP/1.1\r\nHost: 127.0.0.1"
                        f"\r\n{header}\r\n\r\n".encode("latin-1"))
        connection.status_line()
    server.log.fresh()
    assert not server.find_secrets(key[:24])


def test_a_referer_loses_its_query(server):
    key = server.key("referrer")
    ask(server, "/upload", Referer=f"{server.url}/upload?key={key}")
    assert not server.find_secrets(key)


def test_errors_do_not_repeat_a_credential(server, alice_key):
    for query in (f"?key={alice_key}&limit=x", f"?key={alice_key}x",
                  f"?key={alice_key}&key={alice_key}"):
        response = ask(server, "/upload", query)
        assert response.status_code >= 400
        assert alice_key not in response.text
        assert alice_key not in str(response.headers)


def test_mod_status_shows_no_secret(server, alice_key):
    body, kind = wire.form(("file", b"slow", "slow.bin"))
    with server.connect() as connection:
        connection.request("POST", f"/upload?key={alice_key}&{MARK}=status", {
            "Content-Type": kind, "Content-Length": len(body)})
        connection.send(body[:50])

        def page():
            text = ask(server, "/server-status").text
            return text if MARK + "=status" in text else None

        text = server.wait(page)
        connection.send(body[50:])
        assert connection.response("POST").status == 202
    assert alice_key not in text
    assert "key=***" in text


def test_a_trace_does_not_reflect_a_credential(server, alice_key):
    response = requests.request(
        "TRACE", f"{server.url}/upload?key={alice_key}", timeout=20)
    assert alice_key not in response.text


def test_other_locations_of_the_server_keep_their_query(server):
    """What is not ours is none of our business."""
    ask(server, "/no-such-place", "?keyword=" + MARK + "-elsewhere")
    server.wait(lambda: "keyword=" + MARK + "-elsewhere" in
                (server.logs / "access.log").read_text())


def test_a_key_in_the_query_may_upload(server, alice_key):
    body, kind = wire.form(("file", b"x", "x.txt"))
    response = requests.post(server.url + "/upload", data=body, timeout=20,
                             params={"key": alice_key},
                             headers={"Content-Type": kind})
    assert response.status_code == 202
    assert alice_key not in response.text
    assert alice_key not in response.headers["Location"]


def test_basic_credentials_are_no_bearer(server, alice_key):
    value = base64.b64encode(b"carol:secret-of-carol").decode()
    response = Client(server).request("GET", headers={
        "Authorization": "Basic " + value})
    assert response.status_code == 401
    assert alice_key
