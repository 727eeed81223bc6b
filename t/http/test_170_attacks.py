# SPDX-License-Identifier: Apache-2.0
"""Attacks on the wire: whatever a client sends, the server lives, nothing
that was smuggled happens, and nothing stays behind."""

import base64
import hashlib
import re
import socket
import time
from urllib.parse import urlsplit

import pytest
import requests

import http2
import wire
from clients import Client, digests

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@pytest.fixture(autouse=True)
def server_lives_and_holds_nothing(server, alice):
    """After every attack: the same child, nothing in flight, and the next
    client is served."""
    children = server.node.children()
    yield
    # what httpd itself says of bad requests is not ours to forbid
    server.log.allow(r"\[(core|http2|reqtimeout|http):")
    server.wait(lambda: in_flight(server) == 0)
    entry = alice.stage(b"the next client")
    assert alice.download(entry["id"]).content == b"the next client"
    assert alice.delete(entry["id"]).status_code == 204
    assert server.node.children() == children


def in_flight(server):
    text = requests.get(server.url + "/metrics", timeout=20).text
    return float(re.search(r"^staging_uploads_in_flight (\S+)$", text,
                           re.M).group(1))


@pytest.fixture(name="victim")
def victim_of_smuggling(alice):
    return alice.stage(b"still here")["id"]


def smuggled(alice, victim):
    """A request that would be noticed if it were taken for one."""
    return (f"DELETE /upload/{victim} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {alice.bearer}\r\n\r\n").encode()


def head(alice, lines, target="/upload?filename=attack.bin", method="POST"):
    return (f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {alice.bearer}\r\n").encode() + lines


def conversation(server, data):
    """Send it all and no more, then the statuses of all that comes back until
    the server ends the connection."""
    with server.connect() as connection:
        try:
            connection.send(data)
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            answer = connection.file.read()
        except ConnectionResetError:
            answer = b""
    return [int(status) for status in STATUS.findall(answer)
            if status != b"100"]


# --- where a request ends ----------------------------------------------------------

FRAMINGS = {
    "length and chunked": b"Content-Length: %d\r\n"
                          b"Transfer-Encoding: chunked\r\n",
    "chunked and length": b"Transfer-Encoding: chunked\r\n"
                          b"Content-Length: %d\r\n",
    "chunked twice": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n"
                     b"Transfer-Encoding: chunked\r\n",
    "chunked and another": b"Content-Length: %d\r\nTransfer-Encoding: chunked"
                           b"\r\nTransfer-Encoding: cow\r\n",
    "another and chunked": b"Content-Length: %d\r\nTransfer-Encoding: cow\r\n"
                           b"Transfer-Encoding: chunked\r\n",
    "nearly chunked": b"Content-Length: %d\r\nTransfer-Encoding: xchunked"
                      b"\r\n",
    "quoted": b'Content-Length: %d\r\nTransfer-Encoding: "chunked"\r\n',
    "with a parameter": b"Content-Length: %d\r\n"
                        b"Transfer-Encoding: chunked;q=1\r\n",
    "space before the colon": b"Content-Length: %d\r\n"
                              b"Transfer-Encoding : chunked\r\n",
    "tab": b"Content-Length: %d\r\nTransfer-Encoding:\tchunked\r\n",
    "vertical tab": b"Content-Length: %d\r\nTransfer-Encoding:\x0bchunked"
                    b"\r\n",
    "folded": b"Content-Length: %d\r\nTransfer-Encoding:\r\n chunked\r\n",
    "behind a bare LF": b"Content-Length: %d\r\nX: x\n"
                        b"Transfer-Encoding: chunked\r\n",
    "behind a bare CR": b"Content-Length: %d\r\nX: x\r"
                        b"Transfer-Encoding: chunked\r\n",
    "NUL": b"Content-Length: %d\r\nTransfer-Encoding: chunked\0\r\n",
    "two lengths": b"Content-Length: %d\r\nContent-Length: 0\r\n",
    "two lengths, turned": b"Content-Length: 0\r\nContent-Length: %d\r\n",
    "a list of lengths": b"Content-Length: %d, %d\r\n",
    "a signed length": b"Content-Length: +%d\r\n",
    "a hexadecimal length": b"Content-Length: 0x%x\r\n",
    "a length and a space": b"Content-Length: %d 0\r\n",
    "space before a length's colon": b"Content-Length : %d\r\n",
}


def filled(lines, number):
    return lines % ((number,) * lines.count(b"%"))


@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_ambiguous_end_hides_no_second_request(server, alice, victim,
                                                  framing):
    """Every way to read such a request has one in which the rest is a second
    one: none of them may come true."""
    inner = smuggled(alice, victim)
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner)
    for number, body in ((len(inner) + 5, b"0\r\n\r\n" + inner),
                         (5, b"0\r\n\r\n" + inner), (0, inner),
                         (len(b"%x\r\n" % len(inner)), chunk),
                         (len(chunk), chunk)):
        lines = filled(FRAMINGS[framing], number)
        statuses = conversation(server, head(alice, lines) + b"\r\n" + body)
        assert len(statuses) <= 1 or statuses[1:] == [400], statuses
        assert alice.get(victim).status_code == 200, (number, statuses)


def test_a_chunked_body_of_http_1_0_ends_the_connection(server, alice,
                                                        victim):
    """RFC 9112, 6.1: whoever passed it on may have seen no chunks."""
    data = head(alice, b"Transfer-Encoding: chunked\r\nConnection: keep-alive"
                b"\r\n\r\n0\r\n\r\n" + smuggled(alice, victim))
    conversation(server, data.replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    assert alice.get(victim).status_code == 200


@pytest.mark.parametrize("method, target", [
    ("GET", "/upload?limit=1"), ("HEAD", "/upload"), ("GET", "/health"),
    ("OPTIONS", "/upload"), ("DELETE", "/upload/none"), ("GET", "/pages/"),
    ("GET", "/download/none")])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_where_none_belongs_is_no_request(server, alice, victim,
                                                 method, target, framing):
    inner = smuggled(alice, victim)
    if framing == "length":
        data = b"Content-Length: %d\r\n\r\n%s" % (len(inner), inner)
    else:
        data = (b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
                % (len(inner), inner))
    last = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    statuses = conversation(server, head(alice, data, target, method) + last)
    assert 1 <= len(statuses) <= 2
    assert alice.get(victim).status_code == 200


EARLY = {
    "401": (b"", "/upload?filename=x", 401),
    "403": (b"", "/readers?filename=x", 403),
    "404": (b"", "/upload/nothing", 404),
    "405": (b"", "/upload/11111111-2222-4333-8444-555555555555", 405),
    "413": (b"", "/small?filename=x", 413),
    "415": (b"", "/upload", 415),
    "400": (b"Repr-Digest: nonsense\r\n", "/upload?filename=x", 400),
    "417": (b"Expect: nonsense\r\n", "/upload?filename=x", 417),
}


@pytest.mark.parametrize("name", EARLY)
@pytest.mark.parametrize("is_chunked", [0, 1], ids=["length", "chunked"])
def test_an_early_error_executes_nothing_behind_it(server, alice, victim,
                                                   name, is_chunked):
    """The unread body is full of requests with a good credential."""
    lines, target, status = EARLY[name]
    caller = alice
    if name == "401":
        caller = Client(server, bearer="no-such-key")
    if name == "403":
        caller = Client(server, bearer=server.key("reader", "--scope",
                                                  "read"))
    body = smuggled(alice, victim) * 40
    if is_chunked:
        framing = b"Transfer-Encoding: chunked\r\n"
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    else:
        framing = b"Content-Length: %d\r\n" % len(body)
    statuses = conversation(server, head(caller, lines + framing, target)
                            + b"\r\n" + body + smuggled(alice, victim))
    assert statuses in ([status], []), statuses
    assert alice.get(victim).status_code == 200


# --- chunks ------------------------------------------------------------------------

CHUNKS = {
    "extension": b"5;name=value\r\nhello\r\n0;last\r\n\r\n",
    "quoted extension": b'5;name="a;b"\r\nhello\r\n0\r\n\r\n',
    "leading zeros": b"0" * 12 + b"5\r\nhello\r\n0\r\n\r\n",
    "very many zeros": b"0" * 4000 + b"5\r\nhello\r\n0\r\n\r\n",
    "upper case": b"0005\r\nhello\r\n000\r\n\r\n",
    "space": b"5 \r\nhello\r\n0\r\n\r\n",
    "space before": b" 5\r\nhello\r\n0\r\n\r\n",
    "plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "bare LF behind the size": b"5\nhello\r\n0\r\n\r\n",
    "bare LF behind the data": b"5\r\nhello\n0\r\n\r\n",
    "bare LF at the end": b"5\r\nhello\r\n0\n\n",
    "bare CR": b"5\rhello\r\n0\r\n\r\n",
    "two CR": b"5\r\r\nhello\r\n0\r\n\r\n",
    "LF inside an extension": b"5;a\n0\r\nhello\r\n0\r\n\r\n",
    "wraps at 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "wraps at 32 bits": b"100000005\r\nhello\r\n0\r\n\r\n",
    "minus one": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "largest": b"7fffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "negative": b"8000000000000005\r\nhello\r\n0\r\n\r\n",
    "oversized": b"fffff\r\nhello\r\n0\r\n\r\n",
    "NUL": b"5\0\r\nhello\r\n0\r\n\r\n",
    "empty": b"\r\nhello\r\n0\r\n\r\n",
    "huge extension": b"5;" + b"x" * 100000 + b"\r\nhello\r\n0\r\n\r\n",
    "a length in the trailer": b"5\r\nhello\r\n0\r\nContent-Length: 2\r\n\r\n",
    "a credential in the trailer": b"5\r\nhello\r\n0\r\n"
                                   b"Authorization: Bearer x\r\n\r\n",
    "trailer flood": b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
}


@pytest.mark.parametrize("name", CHUNKS)
def test_a_strange_chunk_is_hello_or_nothing(server, alice, victim, name):
    """A server may take it or refuse it, but not read something else."""
    with server.connect(timeout=40) as connection:
        connection.send(head(alice, b"Transfer-Encoding: chunked\r\n\r\n",
                             f"/upload?filename={name.replace(' ', '-')}"))
        try:
            connection.send(CHUNKS[name] + smuggled(alice, victim))
            connection.socket.shutdown(socket.SHUT_WR)
            answer = connection.file.read()
        except OSError:
            answer = b""
    statuses = [int(status) for status in STATUS.findall(answer)]
    newest = alice.list("?limit=1")[0]
    if statuses[:1] == [202]:
        assert newest["md5"] == digests(b"hello")["md5"]
        assert newest["size"] == 5
        # what followed was a request of its own, or there was none
        assert statuses[1:] in ([204], [400], [])
    else:
        assert statuses in ([400], [413], []), statuses
        assert newest["status"] != "success" or newest["id"] == victim
        assert alice.get(victim).status_code == 200


def test_extensions_of_many_small_chunks_cost_no_memory(server, alice):
    alice.stage(b"warm")
    before = server.memory()
    data = bytes(range(250))
    with server.connect() as connection:
        connection.send(head(alice, b"Transfer-Encoding: chunked\r\n\r\n"))
        for _ in range(20):
            connection.send(b"".join(b"1;%s\r\n%c\r\n" % (b"x" * 4000, byte)
                                     for byte in data))
        connection.send(b"0\r\n\r\n")
        response = connection.response("POST")
    assert response.status == 202, response.body
    assert alice.list("?limit=1")[0]["md5"] == digests(data * 20)["md5"]
    assert server.memory() - before < 20000


# --- heads ---------------------------------------------------------------------------

HEADS = {
    "many headers": b"X: y\r\n" * 10000,
    "many different headers": b"".join(b"X-%d: y\r\n" % n
                                       for n in range(10000)),
    "a long header": b"X: " + b"y" * 1000000 + b"\r\n",
    "a long name": b"X" * 1000000 + b": y\r\n",
    "a long Authorization": b"Authorization: Bearer " + b"y" * 100000
                            + b"\r\n",
    "a long Cookie": b"Cookie: " + b"edi-token=x; " * 50000 + b"\r\n",
    "an endless line": b"X" * 2000000,
    "folded for ever": b"X: y\r\n" + b" z\r\n" * 100000,
    "a folded Authorization": b"Authorization: Bearer\r\n x\r\n",
    "a NUL": b"X: y\0z\r\n",
    "a NUL in a name": b"X\0: y\r\n",
    "no colon": b"Authorization\r\n",
    "an empty name": b": y\r\n",
    "a bare CR": b"X: y\rAuthorization: Bearer z\r\n",
    "control characters": b"X: \x01\x02\x7f\r\n",
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_is_too_much_ends_the_connection(server, victim, alice,
                                                     name):
    before = server.memory()
    last = smuggled(alice, victim)
    statuses = conversation(
        server, b"GET /upload HTTP/1.1\r\nHost: 127.0.0.1\r\n" + HEADS[name]
        + b"\r\n" + last)
    if name == "folded for ever":
        assert statuses in ([400], []), statuses
    else:
        # the client may lose the answer by sending on
        assert statuses in ([400], [401, 204], []), statuses
    assert statuses != [401, 204] or name == "a folded Authorization"
    assert statuses == [401, 204] or alice.get(victim).status_code == 200
    assert server.memory() - before < 20000


LINES = [b"GET /upload\0 HTTP/1.1", b"GET /upload%00 HTTP/1.1",
         b"G\0T /upload HTTP/1.1", b"GET /upload HTTP/1.1\n",
         b"GET /upload\r HTTP/1.1", b" GET /upload HTTP/1.1",
         b"GET /upload HTTP/1.1 ", b"GET\t/upload\tHTTP/1.1",
         b"GET /upload HTTP/11", b"GET /upload http/1.1",
         b"GET /upload HTTP/2.0", b"GET " + b"/" * 100000 + b" HTTP/1.1",
         b"X" * 100000 + b" /upload HTTP/1.1", b"\r\n" * 1000,
         b"CONNECT 127.0.0.1:22 HTTP/1.1", b"OPTIONS * HTTP/1.1",
         b"GET * HTTP/1.1", b"GET \xff\xfe HTTP/1.1", b"\x16\x03\x01\x02\0",
         b"PRI * HTTP/2.0\r\n\r\nXX"]


@pytest.mark.parametrize("line", LINES, ids=lambda line: ascii(line[:24]))
def test_a_strange_request_line_gets_nothing(server, alice, line):
    """Without a credential there is nothing to get; with bare line ends not
    even a second look."""
    with server.connect(timeout=40) as connection:
        try:
            connection.send(line + b"\r\nHost: 127.0.0.1\r\n"
                            b"Connection: close\r\n\r\n")
            answer = connection.file.read()
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
    for status in STATUS.findall(answer):
        assert status != b"200" or line.startswith(b"OPTIONS")
    assert b"filename" not in answer
    assert alice.list("?limit=1") is not None


@pytest.mark.parametrize("data", [
    b"GET /upload HTTP/1.1\nHost: 127.0.0.1\nAuthorization: Bearer %s\n\n",
    b"GET /upload HTTP/1.1\r\nHost: 127.0.0.1\n"
    b"Authorization: Bearer %s\r\n\r\n",
    b"GET /upload HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Authorization: Bearer %s\n\r\n"])
def test_a_bare_line_feed_ends_no_line(server, alice, data):
    assert conversation(server, data % alice.bearer.encode()) == [400]


# --- paths and targets -----------------------------------------------------------------

PATHS = ["/%2e%2e/upload/{}/data", "/upload/%2e%2e/upload/{}/data",
         "//upload/{}/data", "/upload//{}/data", "/upload/{}/./data",
         "/upload/{}/x/../data", "/upload/{}%2fdata", "/upload/{}%00/data",
         "/upload/{}/data%00", "/upload/{}/data;x=y", "/upload;x/{}/data",
         "/upload/{}/data%20", "/upload/{}/data/", "/upload/{}/data?",
         "/upload/{}/data%3f", "/upload\\{}\\data", "/UPLOAD/{}/data",
         "/upload/{}/DATA", "/%75pload/{}/data", "/upload/{}/%64ata",
         "/upload/{}/%2564ata", "/upload/%7b{}%7d/data", "/upload/{}/data#x",
         "/health/../upload/{}/data", "/pages/%2e%2e/upload/{}/data",
         "/download/{}", "/download/../upload/{}/data",
         "http://127.0.0.1/upload/{}/data", "http://other.test/upload/{}/data",
         "HTTP://127.0.0.1:80//upload/{}/data", "file:///upload/{}/data",
         "/pages/../file/objects/{}", "/pages/%2e%2e%2ffile/objects/{}",
         "/pages/..%5cfile%5cobjects%5c{}", "/pages/....//file/objects/{}"]


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_of_a_path_gets_around_the_door(server, alice, bob,
                                                    victim, path):
    target = path.format(victim)
    for caller in (None, bob.bearer):
        with server.connect() as connection:
            connection.request("GET", target, {
                **({"Authorization": "Bearer " + caller} if caller else {}),
                "Connection": "close"})
            response = connection.response()
        assert response.status in (400, 401, 403, 404), response.status
        assert b"still here" not in response.body
        assert "Location" not in response.headers
    assert alice.get(victim).status_code == 200


def test_an_absolute_target_goes_by_its_own_host(server, alice):
    """RFC 9112, 3.2.2: not by the header, and into no link."""
    with server.connect() as connection:
        connection.send(
            f"POST http://other.test/upload?filename=x HTTP/1.1\r\n"
            f"Host: 127.0.0.1\r\nAuthorization: Bearer {alice.bearer}\r\n"
            "Content-Length: 5000\r\n\r\n".encode() + b"x" * 5000)
        assert connection.response("POST").status == 413
    with server.connect() as connection:
        connection.request("GET", "http://evil.example/upload?limit=1",
                           {"Authorization": "Bearer " + alice.bearer})
        response = connection.response()
        assert b"evil" not in response.body
        assert "evil" not in str(response.headers)


FORGED = ["X-Request-Id", "X-Remote-User", "Remote-User", "REMOTE_USER",
          "X-Forwarded-User", "X-Staging-Owner", "X-Staging-Principal",
          "X-Authenticated-User", "X-WEBAUTH-USER", "X-Original-URL",
          "X-Rewrite-URL", "X-Accel-Redirect", "X-Sendfile", "OIDC_CLAIM_sub",
          "X-HTTP-Method-Override", "X-Original-Method", "Proxy",
          "Unique-Id", "UNIQUE_ID", "X-Content-Type-Options"]


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/upload", "/basic", "/staging-auth",
                                  "/cookie", "/nothing-here", "/metrics"])
def test_a_forged_header_is_worth_nothing(server, alice, victim, method,
                                          path):
    plain = requests.request(method, server.url + path, timeout=20)
    for value in ("account:alice", "/upload/" + victim):
        forged = requests.request(method, server.url + path, timeout=20,
                                  headers={name: value for name in FORGED})
        assert forged.status_code == plain.status_code
        assert value not in forged.text + str(forged.headers)
        assert sorted(forged.headers) == sorted(plain.headers)
    assert alice.get(victim).status_code == 200


# --- floods of conditions ----------------------------------------------------------------

RANGES = {
    "many": "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 1500, 2)),
    "overlapping": "bytes=" + ",".join(["0-"] * 1300),
    "backwards": "bytes=" + ",".join(f"{n}-" for n in range(1300, 0, -1)),
    "suffixes": "bytes=" + ",".join(["-1"] * 1300),
    "huge": "bytes=0-99999999999999999999999999",
    "overflowing": "bytes=18446744073709551615-18446744073709551616",
    "reversed": "bytes=9-1", "nothing": "bytes=", "commas": "bytes=" + "," *
    5000, "another unit": "lines=1-2", "negative": "bytes=--1",
}


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("path", ["/upload", "/stream", "/s3stream"])
def test_a_flood_of_ranges_is_never_more_than_the_whole(server, alice, path,
                                                        name):
    if path == "/s3stream" and not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    data = b"0123456789abcdef" * 4096
    caller = alice.at(path)
    entry = caller.settled(caller.stage(data)["id"])
    before = server.memory()
    for _ in range(10):
        headers = {"Range": RANGES[name]}
        response = caller.data(entry["id"], headers=headers)
        if response.status_code == 302:
            response = requests.get(server.url + response.headers["Location"],
                                    headers=headers, timeout=20)
        assert response.status_code in (200, 206, 416)
        # many small parts have heads, but not one has the whole
        assert len(response.content) < len(data) + 200 * 300
        assert response.status_code != 200 or response.content == data
    assert server.memory() - before < 20000
    caller.delete(entry["id"])


@pytest.mark.parametrize("field, value, status", [
    ("If-None-Match", ", ".join(f'"{n}"' for n in range(1000)), 200),
    ("If-None-Match", ", ".join(['W/"x"'] * 900) + ", ETAG", 304),
    ("If-None-Match", '"' * 8000, 200), ("If-None-Match", "," * 8000, 200),
    ("If-None-Match", "W/" * 4000, 200), ("If-None-Match", "*", 304),
    ("If-Match", ", ".join(f'"{n}"' for n in range(1000)), 412),
    ("If-Match", ", ".join(['"x"'] * 900) + ", ETAG", 200),
    ("If-Match", '"' * 8000, 412), ("If-Match", "", None),
    ("If-Modified-Since", "9" * 8000, 200),
    ("If-Modified-Since", "Thu, 01 Jan 99999999999 00:00:00 GMT", 200),
    ("If-Unmodified-Since", "x" * 8000, 200),
    ("If-Range", '"' * 8000, 200)], ids=lambda value: str(value)[:20])
def test_a_flood_of_conditions_is_compared_and_no_more(alice, victim, field,
                                                       value, status):
    etag = alice.get(victim).headers["ETag"]
    response = alice.request("GET", "/" + victim, headers={
        field: value.replace("ETAG", etag)})
    assert response.status_code in ((status,) if status else (200, 412))
    stream = alice.at("/stream").data(victim, headers={
        field: value.replace("ETAG", etag), "Range": "bytes=0-1"})
    assert stream.status_code in (200, 206, 304, 412)


@pytest.mark.parametrize("value", ["nonsense", "100-continue, x", "x" * 8000,
                                   "100-continue" * 500, "100-continue;q=1"])
def test_an_expectation_that_nobody_knows_is_417(server, alice, victim,
                                                 value):
    with server.connect() as connection:
        connection.request("POST", "/upload?filename=x", {
            "Authorization": "Bearer " + alice.bearer, "Expect": value,
            "Content-Length": 5000}, smuggled(alice, victim))
        assert connection.response("POST").status == 417
        assert connection.is_closed()
    assert alice.get(victim).status_code == 200


def test_who_is_refused_is_not_asked_for_the_body(server):
    with server.connect() as connection:
        connection.request("POST", "/upload?filename=x", {
            "Expect": "100-continue", "Content-Length": 1000000})
        assert connection.status_line().startswith("HTTP/1.1 401 ")


# --- slow clients ----------------------------------------------------------------------------

def drip(connections, data, seconds):
    """One byte from each, again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for connection in connections:
            try:
                connection.send(data)
            except OSError:
                pass
        time.sleep(0.3)


def close(connections):
    for connection in connections:
        connection.close()


def test_dripping_uploads_hold_only_their_share(server, alice, bob):
    """Of 40 clients 24 get in; the others learn it at once, everybody else
    is served, and soon nobody drips any more."""
    connections = []
    with server.another_node(
            "RequestReadTimeout header=10 body=8,MinRate=100000\n") as node:
        node.log.allow("BUSY|reqtimeout")
        elsewhere = Client(server, "/upload", bob.bearer, node=node)
        try:
            for number in range(40):
                connection = server.connect(node.port)
                connection.request("POST", f"/upload?filename=drip{number}", {
                    "Authorization": "Bearer " + alice.bearer,
                    "Content-Length": 100000})
                connections.append(connection)
            server.wait(lambda: in_flight(node) == 24)
            assert requests.get(node.url + "/health", timeout=5).ok
            assert elsewhere.list("?limit=1") is not None
            assert elsewhere.post().status_code == 503
            drip(connections, b"x", 3)
            statuses = [connection.response("POST").status
                        for connection in connections]
            assert sorted(set(statuses)) == [408, 503]
            assert statuses.count(503) == 16
            assert elsewhere.post().status_code == 202
        finally:
            close(connections)
    rows = [e for e in alice.list("?limit=100")
            if e["filename"].startswith("drip")]
    assert [e["status"] for e in rows] == ["failure"] * 24


def test_dripping_heads_are_cut_off(server, alice):
    connections = [server.connect(server.slow_port) for _ in range(40)]
    try:
        for connection in connections:
            connection.send(b"POST /upload HTTP/1.1\r\nX: ")
        assert alice.list("?limit=1") is not None
        drip(connections, b"x", 7)
        for connection in connections:
            connection.socket.settimeout(5)
            assert connection.status_line().startswith("HTTP/1.1 408 ")
        assert alice.post().status_code == 202
    finally:
        close(connections)


def test_clients_that_never_read_hold_no_upload(server, alice):
    """Pipelined lists whose answers nobody takes away."""
    connections = [server.connect() for _ in range(10)]
    try:
        for connection in connections:
            connection.socket.settimeout(0.5)
            try:
                connection.send(head(alice, b"\r\n", "/upload", "GET") * 500)
            except OSError:
                pass
        assert alice.post().status_code == 202
    finally:
        for connection in connections:
            connection.reset()


# --- HTTP/2 --------------------------------------------------------------------------------------

def connect2(server, alice=None):
    return http2.Connection2(server.port, alice and alice.bearer)


FORM_BEGIN = wire.form(("file", b"x" * 5000, "reset.bin"), boundary="b")[0][
    :3000]
SHA256 = f"sha-256=:{base64.b64encode(hashlib.sha256(b'y').digest()).decode()}:"

# An upload that a stream brings less of than it should.
CUT = {
    "length": ("/upload?filename=reset.bin", {"content-length": "10000"},
               b"x" * 3000),
    "digest": ("/upload?filename=reset.bin", {"repr-digest": SHA256},
               b"x" * 3000),
    "trailer": ("/upload?filename=reset.bin", {"trailer": "Repr-Digest"},
                b"x" * 3000),
    "form": ("/upload", {"content-type": "multipart/form-data; boundary=b"},
             FORM_BEGIN),
}


def test_uploads_by_http2_arrive(server, alice):
    form, kind = wire.form(("file", b"x" * 9000, "two.bin"))
    with connect2(server, alice) as connection:
        for path, head_, data in (
                ("/upload?filename=two.bin", {"content-length": "9000"},
                 b"x" * 9000),
                ("/upload?filename=two.bin", {"repr-digest": SHA256}, b"y"),
                ("/upload", {"content-type": kind}, form)):
            status, body, _ = connection.ask("POST", path, head_.items(), data)
            assert status == 202, body
            assert alice.list("?limit=1")[0]["size"] in (9000, 1)


def test_a_body_whose_end_nothing_tells_is_411_by_http2(server, alice):
    """mod_http2 ends the body of a stream that was reset as if it were
    whole."""
    with connect2(server, alice) as connection:
        status, body, _ = connection.ask("POST", "/upload?filename=two.bin",
                                      data=b"x" * 9000)
        assert (status, b"Content-Length" in body) == (411, True)
        # as one that announces a trailer and does not send it
        status, _, _ = connection.ask("POST", CUT["trailer"][0],
                                       CUT["trailer"][1].items(), b"x")
        assert status == 400


@pytest.mark.parametrize("kind", CUT)
def test_resets_in_mid_upload_leave_nothing(server, alice, kind):
    """CVE-2023-45802 and its kin: what a stream held comes back at once, not
    when the connection ends; and what came is never taken for the whole."""
    server.log.allow("BUSY")
    path, more, data = CUT[kind]
    pending = alice.list("?status=pending")
    kept = server.sql("SELECT count(*) FROM object "
                      "WHERE state <> 'deleting'")[0][0]
    memory = []
    for _ in range(4):
        with connect2(server, alice) as connection:
            for _ in range(15):
                streams = [connection.begin("POST", path, more.items())
                           for _ in range(4)]
                for stream in streams:
                    connection.data(stream, data)
                connection.cancel(*streams)
            assert connection.ask("GET", "/health").status in (200, None)
        server.wait(lambda: in_flight(server) == 0)
        memory.append(server.memory())
    assert memory[-1] - memory[0] < 20000, memory
    server.wait(lambda: alice.list("?status=pending") == pending)
    rows = [e for e in alice.list("?limit=500")
            if e["filename"] == "reset.bin"]
    assert not [e for e in rows if e["status"] == "success"]
    assert not [e for e in rows if "store" in e["message"]]
    server.wait(lambda: server.sql(
        "SELECT count(*) FROM object WHERE state <> 'deleting'")[0][0] <= kept)


def test_rapid_resets_are_not_served_for_ever(server, alice):
    """CVE-2023-44487: heads and resets only."""
    before = server.memory()
    for _ in range(3):
        with connect2(server, alice) as connection:
            try:
                for _ in range(1000):
                    connection.cancel(connection.begin("GET", "/upload",
                                                       is_end=True))
            except OSError:
                pass
    assert alice.list("?limit=1") is not None
    assert server.memory() - before < 40000


def test_endless_continuations_are_cut_off(server, alice):
    """CVE-2024-27316: a head that never ends is not kept in memory."""
    before = server.memory()
    with connect2(server) as connection:
        block = http2.packed(connection.head("GET", "/upload"))
        more = http2.packed([(f"x-{n}", "y" * 200) for n in range(60)])
        try:
            connection.raw.send(http2.frame(http2.HEADERS, 0, 1, block))
            for _ in range(3000):
                connection.raw.send(http2.frame(http2.CONTINUATION, 0, 1,
                                                more))
            is_cut = False
        except OSError:
            is_cut = True
        assert is_cut or connection.answer(1).status in (None, 431)
    assert server.memory() - before < 20000
    assert alice.list("?limit=1") is not None


@pytest.mark.parametrize("length, sent", [(5, 10), (10, 5), (0, 5), (5, 0)])
def test_a_length_that_is_not_true_is_no_upload(server, alice, length, sent):
    with connect2(server, alice) as connection:
        status, _, _ = connection.ask(
            "POST", f"/upload?filename=lie-{length}-{sent}",
            [("content-length", str(length))], b"x" * sent)
    assert status != 202 or length == 0
    server.wait(lambda: in_flight(server) == 0)
    for entry in alice.list("?limit=5"):
        if entry["filename"] == f"lie-{length}-{sent}":
            # one of no bytes may be whole before the lie is seen
            assert entry["status"] == "failure" or entry["size"] == length == 0


@pytest.mark.parametrize("more", [
    [("transfer-encoding", "chunked")], [("connection", "keep-alive")],
    [("x", "y\r\nauthorization: Bearer z")], [("x", "y\0z")],
    [("x\r\ny", "z")], [("X-Upper", "y")], [(":path", "/health")],
    [("host", "other.test")], [("content-length", "1"),
                               ("content-length", "2")],
    [("content-length", "+5")], [("te", "gzip")], [(":late", "x")]], ids=str)
def test_what_http1_would_be_fooled_by_is_refused_in_http2(server, alice,
                                                           victim, more):
    with connect2(server, alice) as connection:
        status, body, _ = connection.ask("POST", "/upload?filename=x", more,
                                      b"0\r\n\r\n" + smuggled(alice, victim))
    assert status in (None, 400, 413) or (
        status == 411 and more[0][0] == "host"), (status, body)
    assert alice.get(victim).status_code == 200


@pytest.mark.parametrize("path", [
    "/upload HTTP/1.1\r\nX: y", "/upload?key=x\0", "", "*", "upload",
    "/upload#x", "http://127.0.0.1/upload", "/" + "x" * 20000])
def test_a_strange_path_gets_nothing_by_http2(server, path):
    with connect2(server) as connection:
        status, body, _ = connection.ask("GET", path)
    assert status in (None, 400, 401, 404, 414), (status, body)


def test_a_client_that_takes_nothing_away_is_left(server, alice):
    """A window of zero: streams wait, workers do not."""
    entry = alice.stage(b"x" * 3000000)
    url = urlsplit(alice.location(entry["id"]))
    with connect2(server) as connection:
        for _ in range(30):
            connection.begin("GET", f"{url.path}?{url.query}", is_end=True)
        assert alice.list("?limit=1") is not None
        assert alice.post().status_code == 202
