# SPDX-License-Identifier: Apache-2.0
"""Bad input: a clear error in our shape, a sane connection, nothing kept."""

import json
import shutil
import socket
import threading
import time
from urllib.parse import quote

import pytest
import requests

import wire
from clients import Client

FORM = "multipart/form-data; boundary=b"
NO_ID = "11111111-2222-4333-8444-555555555555"


def is_error(response, *statuses):
    """One of these, in the shape of the API, with the request's id."""
    status = getattr(response, "status_code", None) or response.status
    text = getattr(response, "text", None) or response.body
    assert status in statuses, (status, text)
    body = json.loads(text)
    assert set(body) - {"problems"} == {"detail", "request_id"}
    assert body["detail"]
    assert response.headers["X-Request-Id"] == body["request_id"]
    assert response.headers["Content-Type"] == "application/json"
    return body


@pytest.fixture(name="nothing_kept")
def no_object_is_added(server):
    """After the test there are no more objects than before."""
    def objects():
        return server.sql("SELECT count(*) FROM object "
                          "WHERE state <> 'deleting'")[0][0]
    before = objects()
    yield
    server.wait(lambda: objects() <= before)


def post(client, body, kind=FORM):
    return client.request("POST", data=body, headers={"Content-Type": kind})


# --- forms -----------------------------------------------------------------------

@pytest.mark.parametrize("kind", [
    "multipart/form-data", "multipart/form-data; boundary=",
    'multipart/form-data; boundary=""', "multipart/form-data; boundary=a b",
    "multipart/form-data; boundary=" + "x" * 71,
    'multipart/form-data; boundary="x', "multipart/form-data; boundary=\u00e9",
    "multipart/form-data; boundary=a; boundary=b"], ids=ascii)
@pytest.mark.usefixtures("nothing_kept")
def test_a_bad_boundary_is_400(alice, kind):
    response = post(alice, b"--b\r\n\r\n--b--\r\n", kind.encode())
    is_error(response, 400)


PARTS = {
    "empty": b"",
    "no boundary inside": b"hello",
    "other boundary": b"--c\r\nContent-Disposition: form-data; "
                      b"name=\"file\"; filename=\"x\"\r\n\r\nx\r\n--c--\r\n",
    "no head": b"--b\r\n\r\nx\r\n--b--\r\n",
    "no name": b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    "no disposition": b"--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--\r\n",
    "attachment": b"--b\r\nContent-Disposition: attachment; name=file\r\n\r\n"
                  b"x\r\n--b--\r\n",
    "no file": wire.form(("label", b"L"), boundary="b")[0],
    "file without a name": wire.form(("file", b"x"), boundary="b")[0],
    "empty file name": wire.form(("file", b"x", ""), boundary="b")[0],
    "two files": wire.form(("file", b"x", "x"), ("file", b"y", "y"),
                           boundary="b")[0],
    "two labels": wire.form(("label", b"x"), ("file", b"x", "x"),
                            ("label", b"y"), boundary="b")[0],
    "unquoted": b"--b\r\nContent-Disposition: form-data; name=\"file; "
                b"filename=x\r\n\r\nx\r\n--b--\r\n",
    "NUL in the head": wire.form(("fi\0le", b"x", "x"), boundary="b")[0],
    "name not UTF-8": b"--b\r\nContent-Disposition: form-data; name=\"file\";"
                      b" filename=\"\xff\xfe\"\r\n\r\nx\r\n--b--\r\n",
    "long name": wire.form(("file", b"x", "x" * 5000), boundary="b")[0],
    "long label": wire.form(("label", b"x" * 256), ("file", b"x", "x"),
                            boundary="b")[0],
    "long label behind": wire.form(("file", b"x", "x"),
                                   ("label", "\u00e9".encode() * 256),
                                   boundary="b")[0],
    "huge label": wire.form(("file", b"x", "x"), ("label", b"x" * 3000000),
                            boundary="b")[0],
    "label not UTF-8": wire.form(("file", b"x", "x"), ("label", b"\xff"),
                                 boundary="b")[0],
    "label with NUL": wire.form(("file", b"x", "x"), ("label", b"a\0b"),
                                boundary="b")[0],
    "header flood": b"--b\r\n" + b"X: y\r\n" * 1000 + b"\r\nx\r\n--b--\r\n",
    "endless header": b"--b\r\nX: " + b"y" * 1000000,
    "part flood": wire.form(*[("p%d" % n, b"x") for n in range(2000)],
                            boundary="b")[0],
    "cut in the head": wire.form(("file", b"x", "x"), boundary="b")[0][:20],
    "cut in the data": wire.form(("file", b"x" * 50, "x"),
                                 boundary="b")[0][:80],
    "cut before the end": wire.form(("file", b"x", "x"),
                                    boundary="b")[0][:-4],
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.usefixtures("nothing_kept")
def test_a_bad_form_is_400(server, alice, name):
    """Spoken over a socket: such an answer may come before the whole form
    has been sent, and then the connection ends."""
    with server.connect() as connection:
        connection.request("POST", "/upload", {
            "Authorization": "Bearer " + alice.bearer, "Content-Type": FORM,
            "Content-Length": len(PARTS[name])})
        try:
            connection.send(PARTS[name])
        except (ConnectionResetError, BrokenPipeError):
            pass
        is_error(connection.response("POST"), 400)


def test_a_label_of_255_characters_is_not_too_long(alice):
    label = "\U0001f30b" * 255
    assert alice.stage(label=label)["label"] == label


def test_an_unusual_but_proper_form_is_taken(alice):
    body = (b"preamble\r\n--b \t\r\ncontent-disposition:FORM-DATA ; "
            b"Name=file;FILENAME=x\r\nX-Other: \xff\r\n\r\ndata\r\n--b--"
            b"\r\nepilogue")
    response = post(alice, body, 'Multipart/Form-Data; charset=x; '
                                 'BOUNDARY="b"')
    assert response.status_code == 202, response.text
    assert alice.download(response.json()["id"]).content == b"data"


@pytest.mark.parametrize("value", [
    "attachment", "attachment; filename=", 'attachment; filename=""',
    'attachment; filename="x', "attachment; filename*=latin1''x",
    "attachment; filename*=UTF-8''%ff", "x; filename=a; filename=b",
    "attachment; filename=" + "x" * 3000], ids=lambda v: ascii(v[:40]))
@pytest.mark.usefixtures("nothing_kept")
def test_a_bad_disposition_is_refused(alice, value):
    response = alice.request("POST", data=b"x",
                             headers={"Content-Disposition": value})
    is_error(response, 400, 415)


@pytest.mark.parametrize("query", [
    "?filename=", "?filename=a&filename=b", "?filename=%ff",
    "?filename=%00", "?filename=a%00b",
    "?filename=x&label=%ff", "?filename=x&label=a&label=b",
    "?filename=x&label=" + "y" * 256, "?filename=x&label=a%00b",
    "?filename=" + "x" * 1025], ids=lambda query: query[:40])
@pytest.mark.usefixtures("nothing_kept")
def test_a_bad_name_in_the_query_is_refused(alice, query):
    is_error(alice.request("POST", query, data=b"x"), 400, 415)


@pytest.mark.parametrize("kind", ["text/plain; a=\xff", "\xff", "x" * 1000],
                         ids=["parameter", "type", "long"])
@pytest.mark.usefixtures("nothing_kept")
def test_a_content_type_that_is_no_text_is_refused(alice, kind):
    is_error(alice.request("POST", "?filename=x", data=b"x", headers={
        "Content-Type": kind.encode("latin-1")}), 400)


# --- framing and connection --------------------------------------------------------

def raw_post(server, client, headers, body=b"", target="?filename=x.bin"):
    connection = server.connect()
    connection.request("POST", "/upload" + target, {
        "Authorization": "Bearer " + client.bearer, **headers}, body)
    return connection


def newest(client):
    return client.list("?limit=1")[0]


@pytest.mark.parametrize("headers", [
    {"Content-Length": "x"}, {"Content-Length": "-1"},
    {"Content-Length": "1e3"}, {"Content-Length": "9" * 30},
    {"Content-Length": "4, 5"}, {"Transfer-Encoding": "gzip"},
    {"Transfer-Encoding": "chunked, identity"}], ids=str)
@pytest.mark.usefixtures("nothing_kept")
def test_a_framing_that_makes_no_sense_ends_the_connection(server, alice,
                                                           headers):
    with raw_post(server, alice, headers, b"0000") as connection:
        is_error(connection.response("POST"), 400, 413, 501)
        assert connection.is_closed()
    server.log.fresh()


@pytest.mark.parametrize("body", [
    b"x\r\n", b"-1\r\n", b"4\r\nabcdef\r\n0\r\n\r\n",
    b"fffffffffffffffff\r\n", b"4;" + b"x" * 10000],
    ids=lambda body: ascii(body[:20]))
@pytest.mark.usefixtures("nothing_kept")
def test_a_bad_chunk_fails_the_upload(server, alice, body):
    with raw_post(server, alice, {"Transfer-Encoding": "chunked"},
                  body) as connection:
        is_error(connection.response("POST"), 400, 413)
        assert connection.is_closed()
    assert newest(alice)["status"] == "failure"
    server.log.fresh()


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("body", [
    b"5\r\nabc", b"3\r\nabc\r\n", b"3\r\nabc\r\n0", b"3\r\nabc\r\n0\r\n",
    b"3\r\nabc\r\n0\r\nX-Trailer: ", b"3\r\nabc\r\n0\r\nX-Trailer: x\r\n"])
def test_a_chunked_body_is_whole_with_its_last_line_only(server, alice, body):
    """httpd answers some by itself, and then says that the body has ended."""
    with server.connect() as connection:
        connection.request("POST", alice.path + "?filename=cut.bin", {
            "Authorization": "Bearer " + alice.bearer,
            "Transfer-Encoding": "chunked"}, body)
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.response("POST").status >= 400
    assert newest(alice)["status"] == "failure"


@pytest.mark.usefixtures("nothing_kept")
def test_a_body_that_is_cut_fails_the_upload(server, stager):
    with server.connect() as connection:
        connection.request("POST", stager.path + "?filename=cut.bin", {
            "Authorization": "Bearer " + stager.bearer,
            "Content-Length": 1000}, b"x" * 10)
        connection.socket.shutdown(socket.SHUT_WR)
        body = is_error(connection.response("POST"), 400)
    entry = newest(stager)
    assert (entry["status"], entry["filename"]) == ("failure", "cut.bin")
    assert entry["id"] in body["detail"]
    assert entry["message"]


@pytest.mark.usefixtures("nothing_kept")
def test_a_client_that_goes_away_leaves_a_failure_without_bytes(server,
                                                                stager):
    connection = server.connect()
    connection.request("POST", stager.path + "?filename=away.bin", {
        "Authorization": "Bearer " + stager.bearer,
        "Content-Length": 9000000}, b"x" * 6000000)
    server.wait(lambda: newest(stager)["filename"] == "away.bin")
    connection.reset()
    server.wait(lambda: newest(stager)["status"] == "failure")
    server.ctl("gc")
    assert server.ctl("check", check=False).returncode == 0


@pytest.mark.usefixtures("nothing_kept")
def test_a_slow_body_is_cut_off(server, alice):
    with server.connect(server.slow_port) as connection:
        connection.request("POST", "/upload?filename=slow.bin", {
            "Authorization": "Bearer " + alice.bearer,
            "Content-Length": 1000})
        began = time.monotonic()
        for _ in range(3):
            connection.send(b"x")
            time.sleep(0.3)
        is_error(connection.response("POST"), 408)
        assert connection.is_closed()
        assert time.monotonic() - began < 10
    entry = newest(alice)
    assert (entry["status"], entry["filename"]) == ("failure", "slow.bin")
    server.log.fresh()


PIPELINED = b"GET /health?smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize("path, headers, status", [
    ("/upload", {"Authorization": "Bearer x"}, 401),
    ("/upload", {"Content-Type": "text/plain"}, 415),
    ("/upload/" + NO_ID, {"Content-Type": FORM}, 405),
    ("/upload/nothing", {}, 404),
    ("/small?filename=x", {}, 413),
    ("/health", {}, 405),
    ("/basic", {}, 401),
    ("/noquery?key=x", {"Authorization": None}, 400)])
def test_what_follows_an_early_refusal_is_never_taken_for_a_request(
        server, alice, path, headers, status):
    """CVE-2022-22720: an unread body must end the connection."""
    body = PIPELINED * 50
    with server.connect() as connection:
        connection.request("POST", path, {
            name: value for name, value in {
                "Authorization": "Bearer " + alice.bearer,
                "Content-Length": len(body), **headers}.items() if value},
            body)
        response = connection.response("POST")
        is_error(response, status)
        assert response.headers["Connection"] == "close"
        assert connection.is_closed()
    server.log.fresh()


def test_after_an_error_without_a_body_the_connection_goes_on(server, alice):
    with server.connect() as connection:
        for path, status in (("/upload/" + NO_ID, 404), ("/upload", 200),
                             ("/upload/x", 404), ("/health", 200)):
            connection.request("GET", path, {
                "Authorization": "Bearer " + alice.bearer})
            assert connection.response().status == status


def test_requests_may_be_pipelined_behind_an_upload(server, alice):
    body, kind = wire.form(("file", b"x", "x"))
    with server.connect() as connection:
        connection.request("POST", "/upload", {
            "Authorization": "Bearer " + alice.bearer, "Content-Type": kind,
            "Content-Length": len(body)}, body + PIPELINED)
        assert connection.response("POST").status == 202
        assert json.loads(connection.response().body)["status"] == "alive"


# --- limits ---------------------------------------------------------------------------

@pytest.mark.usefixtures("nothing_kept")
def test_a_body_over_the_limit_is_413(alice):
    small = alice.at("/small")
    assert small.post(b"x" * 1000).status_code == 202
    is_error(small.raw(b"x" * 1001), 413)
    is_error(small.post(b"x" * 1001), 413)
    assert newest(small)["status"] == "failure"
    assert small.raw(b"x" * 1000).status_code == 202
    for entry in small.list("?status=success&limit=2"):
        small.delete(entry["id"])


@pytest.mark.usefixtures("nothing_kept")
def test_a_body_over_the_limit_of_unknown_length_is_413(server, alice):
    with server.connect() as connection:
        connection.request("POST", "/small?filename=x.bin", {
            "Authorization": "Bearer " + alice.bearer,
            "Transfer-Encoding": "chunked"})
        connection.chunk(b"x" * 600).chunk(b"x" * 600)
        is_error(connection.response("POST"), 413)
        assert connection.is_closed()


@pytest.mark.usefixtures("nothing_kept")
def test_the_limit_of_httpd_is_413_too(alice):
    limited = alice.at("/limited")
    is_error(limited.raw(b"x" * 6000), 413)
    is_error(limited.request("POST", "?filename=x",
                             data=iter([b"x" * 3000] * 3)), 413)


def test_uploads_in_flight_are_capped(server, alice):
    connections = []
    try:
        for _ in range(24):
            connections.append(raw_post(server, alice,
                                        {"Content-Length": 10}, b"12345"))
        server.wait(lambda: len(alice.list("?status=pending&limit=50")) == 24)
        server.log.expect("BUSY")
        response = alice.post()
        is_error(response, 503)
        assert int(response.headers["Retry-After"]) > 0
        assert alice.list("?limit=1")
        for connection in connections:
            connection.send(b"67890")
            assert connection.response("POST").status == 202
        assert alice.post().status_code == 202
    finally:
        for connection in connections:
            connection.close()


def test_many_uploads_at_once_do_not_mix(server, alice):
    failed = []

    def one(number):
        mine = Client(server, "/upload", alice.bearer)
        data = bytes([number]) * (100000 + number)
        for _ in range(4):
            entry = mine.stage(data, f"{number}.bin")
            if mine.download(entry["id"]).content != data:
                failed.append(number)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


# --- requests that make no sense ---------------------------------------------------------

@pytest.mark.parametrize("method, suffix, allowed", [
    ("PUT", "", "GET, HEAD, POST"), ("PATCH", "", "GET, HEAD, POST"),
    ("PROPFIND", "", "GET, HEAD, POST"), ("BREW", "", "GET, HEAD, POST"),
    ("DELETE", "", "GET, HEAD, POST"),
    ("POST", "/" + NO_ID, "GET, HEAD, DELETE"),
    ("PUT", "/" + NO_ID, "GET, HEAD, DELETE"),
    ("POST", f"/{NO_ID}/data", "GET, HEAD"),
    ("DELETE", f"/{NO_ID}/data", "GET, HEAD")])
def test_a_wrong_method_is_405(alice, method, suffix, allowed):
    response = alice.request(method, suffix)
    is_error(response, 405)
    shown = {word.strip() for word in response.headers["Allow"].split(",")}
    assert shown - {"TRACE"} == set(allowed.split(", "))


@pytest.mark.parametrize("path", [
    "/nothing", "//", "/%00", "/..%2f..", f"/{NO_ID}/", f"/{NO_ID}/data/",
    f"/{NO_ID}/other", f"/{NO_ID}data", "/" + NO_ID.upper(),
    "/" + quote("\u00e9"), "/" + "x" * 4000, "/?/", "/data", "/*"],
    ids=lambda path: path[:20])
def test_a_wrong_path_is_404_for_everybody(server, alice, anybody, path):
    with server.connect() as connection:
        connection.request("GET", "/upload" + path, {
            "Authorization": "Bearer " + alice.bearer})
        if path in ("//", "/?/"):
            assert connection.response().status in (200, 404)
        else:
            is_error(connection.response(), 404, 400)
    assert anybody.request("GET", "/nothing").status_code in (401, 404)
    server.log.fresh()


def test_a_bad_uuid_is_404_whatever_the_method(alice):
    for method in ("GET", "HEAD", "DELETE", "POST", "PUT"):
        assert alice.request(method, "/not-a-uuid").status_code == 404


def test_no_answer_tells_of_paths_or_sql(server, alice):
    for response in (alice.get("'; DROP TABLE upload; --"),
                     alice.request("GET", "?after='"),
                     alice.request("GET", "?status='"), alice.get(NO_ID)):
        text = response.text.lower()
        assert str(server.dir) not in text
        for word in ("select", "postgres", "libpq", "sqlstate", ".c:"):
            assert word not in text


def test_forwarded_headers_change_nothing_but_the_address(server, alice):
    response = alice.request("POST", "?filename=x", data=b"x", headers={
        "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"})
    assert response.status_code == 202
    assert "evil" not in response.text + response.headers["Location"]
    server.wait(lambda: "192.0.2.7 " in (
        server.logs / "access.log").read_text())


def test_a_host_header_does_not_get_into_links(server, alice):
    response = requests.get(server.url + "/upload?limit=1", timeout=20,
                            headers={"Host": "evil.example", "Authorization":
                                     "Bearer " + alice.bearer})
    assert "evil" not in response.text + str(response.headers)


# --- the disk is full ----------------------------------------------------------------------

@pytest.mark.usefixtures("nothing_kept")
def test_a_full_disk_is_507(server, alice):
    (server.dir / "full").mkdir()
    extra = (f"StagingStore full file://{server.dir}/full reserve=1000T\n"
             '<Location "/full">\nSetHandler staging-uploads\n'
             "StagingUseStore full\n</Location>\n")
    with server.another_node(extra, is_ready=False) as node:
        node.log.expect("NO_SPACE")
        server.wait(lambda: requests.get(node.url + "/health", timeout=5))
        response = requests.post(
            node.url + "/full?filename=x", data=b"x" * 100000, timeout=20,
            headers={"Authorization": "Bearer " + alice.bearer})
        entry = newest(alice)
        ready = requests.get(node.url + "/ready", timeout=20)
    assert entry["id"] in is_error(response, 507)["detail"]
    assert entry["status"] == "failure"
    assert ready.status_code == 503
    assert "full" in ready.json()["store full"]


@pytest.mark.usefixtures("nothing_kept")
def test_a_store_that_lost_its_directory_says_so(server, alice):
    extra = (f"StagingStore torn file://{server.dir}/torn\n"
             '<Location "/torn">\nSetHandler staging-uploads\n'
             "StagingUseStore torn\n</Location>\n")
    with server.another_node(extra) as node:
        node.log.expect("STORE_DOWN: upload .* not there.*torn/objects/")
        node.log.expect("not ready: store torn: .*torn/objects/")
        node.log.allow("store torn: STORE_DOWN")  # the start-up probe
        shutil.rmtree(server.dir / "torn" / "objects")
        response = requests.post(
            node.url + "/torn?filename=x", data=b"x", timeout=20,
            headers={"Authorization": "Bearer " + alice.bearer})
        entry = newest(alice)
        ready = requests.get(node.url + "/ready", timeout=20)
    assert "the store is not there" in is_error(response, 502)["detail"]
    assert entry["status"] == "failure"
    assert ready.status_code == 503
    assert ready.json()["store torn"] == "the store is not there"
