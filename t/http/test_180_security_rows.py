# SPDX-License-Identifier: Apache-2.0
"""Rows of the security checklist (t/README) that no other test proves."""

import base64
import gzip
import json
import shutil
import socket
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

import http2
import tokens
import wire
from clients import Client, digests

GIB = 1 << 30


def options(**more):
    return {"timeout": 20, "allow_redirects": False, **more}


@pytest.fixture(name="trap")
def port_that_nobody_may_visit():
    """(port, visits): a listener that notes who connects."""
    visits = []
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            try:
                visits.append(listener.accept())
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1], visits
    listener.close()


def test_row_02_no_header_of_a_token_makes_us_fetch_a_key(server, iam, trap):
    port, visits = trap
    forger = tokens.Mint()
    url = f"http://127.0.0.1:{port}/keys.json"
    for header in ({"jku": url}, {"x5u": url}, {"jku": url, "kid": "x"},
                   {"jwk": forger.jwk()}, {"x5c": ["MII="]}, {"kid": url}):
        for mint in (forger, iam.mint):
            token = server.secret(mint.sign(tokens.profile_claims("EDI-1"),
                                            {**tokens.HEADER, **header}))
            status = Client(server, "/edi", token).request("GET").status_code
            assert status == 401 or (mint is iam.mint and "kid" in header
                                     and "jku" not in header)
    assert not visits


def test_row_05_nothing_is_inflated(server, alice):
    """A bomb stays as small as it came."""
    bomb = gzip.compress(b"\0" * 10_000_000)
    for headers in ({"Content-Encoding": "gzip"},
                    {"Content-Encoding": "deflate"}):
        response = alice.raw(bomb, headers=headers)
        if response.status_code == 202:
            assert response.json()["size"] == len(bomb)
            assert alice.download(response.json()["id"]).content == bomb
    token = ".".join((tokens.base64url(json.dumps(
        {"alg": "dir", "enc": "A256GCM", "zip": "DEF"})), "",
        *(tokens.base64url(bomb[:300]) for _ in range(3))))
    assert Client(server, bearer=token).request("GET").status_code == 401


def test_row_06_keys_are_random_and_long(server):
    keys = [server.key("many") for _ in range(40)]
    assert len(set(keys)) == len(keys)
    for index in range(4, 30):
        # one sign that is the same in all of them would be no chance
        assert len({key[index] for key in keys}) > 5, index
    # 6 bits a sign, and some of them are the checksum
    assert (len(keys[0]) - len("stg_")) * 6 >= 128 + 32


def test_row_12_no_log_holds_a_signature(server, stager):
    """Also not of one that was tampered with, or shown to the wrong door."""
    entry = stager.settled(stager.stage(b"signed")["id"])
    url = stager.location(entry["id"])
    query = {name: value[0]
             for name, value in parse_qs(urlsplit(url).query).items()}
    signature = query.get("signature") or query["X-Amz-Signature"]
    stager.download(entry["id"])
    for path in ("/upload", "/download/" + entry["id"], "/health"):
        requests.get(f"{server.url}{path}?signature={signature}", **options())
    requests.get(server.url + "/upload", **options(headers={"Referer": url}))
    for name, _secret in server.find_secrets(signature):
        # the store's own log is not ours
        assert name == "client.rgw.log"


def test_row_13_no_password_of_a_connection_gets_into_a_log(server):
    secret = server.secret("hunter2-the-password")
    for line in (f'DBDParams "host=/nowhere password={secret}"',
                 f'DBDParams "host=/nowhere nonsense password={secret}"',
                 f'DBDParams "postgresql://me:{secret}@127.0.0.1:1/x"',
                 f"StagingIAM https://me:{secret}@iam.example.org",
                 f"StagingStore x s3://b endpoint=https://me:{secret}@h",
                 f"StagingBaseURL https://me:{secret}@h"):
        _status, said = server.node.test(server.conf_with(line + "\n"))
        assert secret not in said, said
    conf = server.dir / "wrong.conf"
    conf.write_text(f'DBDParams "host=/nowhere password={secret}"\n')
    done = server.ctl("-c", conf, "status", check=False)
    assert secret not in done.stdout + done.stderr
    assert not server.find_secrets(secret)


def test_row_14_a_client_chooses_name_and_label_only(server, alice, bob):
    victim = bob.stage(b"of bob")["id"]
    wanted = {"id": victim, "owner": "account:bob", "status": "failure",
              "service": "other", "store": "other", "object": victim,
              "md5": "0" * 32, "size": "1", "expires": "2999-01-01T00:00:00Z"}
    body, kind = wire.form(("file", b"of alice", "a.txt"),
                           *((name, value.encode())
                             for name, value in wanted.items()))
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    entry = alice.request("POST", "?" + query, data=body,
                          headers={"Content-Type": kind}).json()
    assert entry["status"] == "success"
    assert entry["md5"] == digests(b"of alice")["md5"]
    for name in ("id", "size", "expires"):
        assert str(entry[name]) != wanted[name]
    assert bob.get(entry["id"]).status_code == 404
    assert bob.download(victim).content == b"of bob"


def test_row_15_lists_and_documents_have_limits(alice):
    for limit in ("0", "1001", "-1", "1e3", "99999999999999999999", ""):
        assert alice.request("GET", "?limit=" + limit).status_code == 400
    deep = base64.urlsafe_b64encode(b"[" * 4000).decode().rstrip("=")
    token = f"eyJhbGciOiJFUzI1NiJ9.{deep}.AAAA"
    assert Client(alice.server, bearer=token).request("GET").status_code == 401


NAMES = ["..", "../../etc/passwd", "/etc/passwd", "..\\..\\x", "C:\\x",
         "\\\\host\\share", "con", "nul.txt", ".htaccess", "a.", "a ",
         " a", "a/../b", "x" * 1000, "\u202egpj.exe", "a\tb", "a\x7fb",
         "\u00e9", "e\u0301", "\uff0e\uff0e\uff0fx", "%2e%2e%2f", "~root",
         "$(id)", "`id`", "|id", "-rf", "a\r\nb: c"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_row_19_a_name_is_never_a_path(server, alice, name):
    entry = alice.stage(b"named", name)
    # a backslash may stand for itself or escape another one
    assert entry["filename"] == name.replace("\\\\", "\\")
    path = server.file_path(entry["id"])
    assert path.read_bytes() == b"named"
    assert path.name == str(server.row(entry["id"])[2])
    assert alice.download(entry["id"]).content == b"named"
    # the same name, in whatever form, is another upload
    assert alice.stage(b"other", name)["id"] != entry["id"]
    assert alice.download(entry["id"]).content == b"named"


def test_row_25_a_url_that_the_store_signed_is_for_one_object(server, alice):
    if not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    caller = alice.at("/s3")
    url, other = (caller.location(caller.settled(caller.stage(data)["id"])["id"])
                  for data in (b"one", b"other"))
    assert requests.get(url, **options()).content == b"one"
    mine, theirs = (urlsplit(one).path for one in (url, other))
    assert requests.get(url.replace(mine, theirs),
                        **options()).status_code == 403
    for method in ("PUT", "DELETE", "POST"):
        assert requests.request(method, url, data=b"evil",
                                **options()).status_code in (403, 405)
    for change in ("X-Amz-Expires=99999", "response-content-type=text/html"):
        assert requests.get(url + "&" + change, **options()).status_code == 403
    assert requests.get(url, **options()).content == b"one"


def test_row_26_a_signed_url_changes_nothing(alice):
    entry = alice.stage(b"accepted")
    url = alice.location(entry["id"])
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        assert requests.request(method, url, data=b"evil",
                                **options()).status_code == 405
    assert alice.download(entry["id"]).content == b"accepted"
    assert alice.get(entry["id"]).json()["md5"] == digests(b"accepted")["md5"]


@pytest.mark.parametrize("cookie", [
    "edi-token_chunks=99999999; edi-token_0=x", "edi-token=T; edi-token=x",
    "edi-token=x; edi-token=T", "edi-token=", "edi-token", "=; =;;; ;=",
    '$Version=1; edi-token="T"', "edi-token=%00", "EDI-TOKEN=T",
    "edi-tokenx=T", "xedi-token=T", "edi-token =T", "; " * 3000 + "x=T"],
    ids=lambda cookie: cookie[:30])
def test_row_30_a_cookie_is_one_token_or_none(server, cookie):
    token = server.token("grace")
    server.log.allow("submitted cookie 'edi-token' more than once")
    with server.connect() as connection:
        connection.request("GET", "/cookie", {
            "Cookie": cookie.replace("T", token)})
        response = connection.response()
    assert response.status in (400, 401)
    assert token.encode() not in response.body


@pytest.mark.parametrize("field", ["label", "filename", "content_type"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x0b"],
                         ids=ascii)
def test_row_34_no_text_of_a_user_makes_a_header(alice, field, end):
    text = f"text/x{end}Set-Cookie: a=b{end}{end}<script>"
    response = alice.post(b"x", **{"filename": "x.txt", field: text})
    assert response.status_code in (202, 400)
    answers = [response]
    if response.status_code == 202:
        upload = response.json()["id"]
        answers += [alice.get(upload), alice.data(upload),
                    alice.download(upload), alice.at("/stream").data(upload),
                    alice.request("GET", "?limit=1")]
    for answer in answers:
        assert "Set-Cookie" not in answer.headers
        assert not any(ord(sign) < 32 for value in answer.headers.values()
                       for sign in value)


@pytest.mark.parametrize("size", [GIB + 1, 4 * GIB + 1, 90 * GIB])
def test_row_39_no_limit_of_32_bits_is_met(server, alice, size):
    """The body is asked for if there is room; and beyond what is allowed it is
    not."""
    has_room = shutil.disk_usage(server.dir).free > size
    pending = alice.list("?status=pending")
    if not has_room:
        server.log.expect("the store is full")
    for path, answer in (("/upload", "100 Continue" if has_room
                          else "507 Insufficient Storage"),
                         ("/small", "413 Request Entity Too Large")):
        with server.connect() as connection:
            connection.request("POST", path + "?filename=large", {
                "Authorization": "Bearer " + alice.bearer,
                "Expect": "100-continue", "Content-Length": size})
            connection.send(b"x" if path == "/upload" else b"")
            assert connection.status_line() == "HTTP/1.1 " + answer
    server.wait(lambda: alice.list("?status=pending") == pending)


@pytest.mark.parametrize("query, field, value", [
    ("?filename=x", "Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ("", "Content-Disposition", 'attachment; filename="x"'),
    ("", "Content-Type", "multipart/form-data; boundary=b"),
    ("?filename=x", "Content-Length", "1")])
def test_row_40_what_decides_may_come_once_only(server, alice, query, field,
                                                value):
    with server.connect() as connection:
        connection.send(
            (f"POST /upload{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: "
             f"Bearer {alice.bearer}\r\n" + f"{field}: {value}\r\n" * 2
             + ("" if field == "Content-Length" else "Content-Length: 1\r\n")
             + "\r\nx").encode())
        assert connection.response("POST").status == 400
    server.log.fresh()


def test_row_40_a_parameter_may_come_once_only(server, alice):
    for query in ("?limit=1&limit=2", "?after=x&after=y",
                  "?status=success&status=failure"):
        assert alice.request("GET", query).status_code == 400
    with http2.Connection2(server.port, alice.bearer) as connection:
        status, _, _ = connection.ask("GET", "/upload", [
            ("authorization", "Bearer " + alice.bearer)])
        assert status in (None, 400)


SQL = ["'; DROP TABLE upload; --", "' OR '1'='1", "\\'; --", "$1", "%s",
       "%s::uuid", "{}", "\u02bc OR 1=1", "'||pg_sleep(9)||'", "E'"]


@pytest.mark.parametrize("text", SQL, ids=ascii)
def test_row_45_sql_is_only_text(server, alice, bob, text):
    count = server.sql("SELECT count(*) FROM upload")[0][0]
    entry = alice.stage(b"x", text, label=text)
    assert (entry["filename"], entry["label"]) == (text, text)
    for name in ("status", "after", "limit", "filename", "label", "other"):
        response = requests.get(
            server.url + "/upload", params={name: text}, timeout=20,
            headers={"Authorization": "Bearer " + bob.bearer})
        assert response.status_code in (200, 400)
        assert entry["id"] not in response.text
    assert alice.get(text).status_code in (400, 404)
    assert Client(server, bearer=text.encode("ascii", "replace").decode()
                  ).request("GET").status_code in (400, 401)
    assert server.sql("SELECT count(*) FROM upload")[0][0] >= count + 1
