# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads over HTTP/2, large ones, and hostile ones: the
conformance list of spec/resumable.md, section 5, lines 96 to 100.

STAGING_SIZES=long sends gigabytes where a run of all tests sends less."""

import hashlib
import os
import socket
import time

import pytest
import requests

import http2
from resumable import OCTETS, base64_of, name, rnd

MIB = 1 << 20
GIB = 1 << 30
IS_LONG = os.environ.get("STAGING_SIZES") == "long"
OCTET_STREAM = [("content-type", OCTETS["Content-Type"])]


def lower(headers):
    """As HTTP/2 has them."""
    return [(key.lower(), str(value)) for key, value in headers.items()]


@pytest.fixture(name="h2")
def http2_connection(server, alice_key):
    with http2.Connection2(server.port, alice_key) as connection:
        yield connection


def send(h2, stream, data, is_end=False):
    """Frame by frame, as there is room."""
    for first in range(0, len(data), 16384):
        piece = data[first:first + 16384]
        h2.data(stream, piece, is_end and first + len(piece) == len(data))


def patch_head(tus, offset, size):
    return lower({**tus.marks, **OCTETS, "Upload-Offset": offset,
                  "Content-Length": size})


def whole(h2, method, path, headers, data):
    """A request with all its bytes; its answer."""
    stream = h2.begin(method, path, headers)
    send(h2, stream, data, is_end=True)
    return h2.answer(stream)


# --- HTTP/2 ---------------------------------------------------------------------

def test_line_96_over_http2_bytes_come_in_pieces(h2, tus):
    data = rnd(10)
    upload = tus.create(10)
    for first, end in ((0, 5), (5, 10)):
        answer = whole(h2, "PATCH", upload, patch_head(tus, first, 5),
                       data[first:end])
        assert answer.status == 204
        assert answer.headers["upload-offset"] == str(end)
        answer = h2.ask("HEAD", upload, lower(tus.marks))
        assert answer.headers["upload-offset"] == str(end)
    assert tus.content(upload) == data


@pytest.mark.parametrize("end", ["reset", "connection"])
def test_line_96_over_http2_what_came_before_a_cut_is_kept(server, tus, end):
    data = rnd(64 * MIB)
    upload = tus.create(len(data))
    with http2.Connection2(server.port, tus.bearer) as h2:
        stream = h2.begin("PATCH", upload, patch_head(tus, 0, len(data)))
        send(h2, stream, data[:40 * MIB])
        if end == "reset":
            h2.cancel(stream)
        else:
            h2.raw.reset()
        began = time.monotonic()
        offset = tus.offset(upload)
        assert time.monotonic() - began < 5
        assert 0 < offset <= 40 * MIB
    assert tus.patch(upload, offset, data[offset:]).status == 204
    assert tus.content(upload) == data


@pytest.mark.parametrize("size", [1000, 10 * MIB])
def test_line_96_over_http2_a_creation_may_bring_all_bytes(h2, draft, size):
    data = rnd(size)
    for length in ({"Upload-Length": size}, {}):
        answer = whole(h2, "POST", draft.path, lower({
            **draft.marks, "Upload-Complete": "?1", "Content-Length": size,
            **length}), data)
        assert answer.status in (200, 201)
        assert answer.headers["upload-complete"] == "?1"
        assert draft.content(answer.headers["location"]) == data


def test_line_96_over_http2_a_reset_is_not_the_end_of_the_whole(server,
                                                                draft):
    """Of a body without a length."""
    with http2.Connection2(server.port, draft.bearer) as h2:
        stream = h2.begin("POST", draft.path, lower({
            **draft.marks, "Upload-Complete": "?1"}))
        send(h2, stream, b"12345")
        time.sleep(0.5)
        h2.cancel(stream)
        time.sleep(0.5)
    entries = draft.uploads.list("?limit=1")
    assert not [one for one in entries
                if one["size"] == 5 and one["status"] == "success"
                and one["sha256"] == hashlib.sha256(b"12345").hexdigest()]


@pytest.mark.parametrize("version", ["8", "9"])
def test_line_96_over_http2_the_url_is_told_before_the_body(h2, any_draft,
                                                            version):
    mark = {"Upload-Draft-Interop-Version": version}
    stream = h2.begin("POST", any_draft.path, lower({
        **mark, "Upload-Complete": "?0", "Content-Length": 5}))
    time.sleep(0.5)
    h2.data(stream, b"12345", is_end=True)
    answer = h2.answer(stream)
    assert answer.status == 201
    early = [headers for headers in h2.interims if headers[":status"] == "104"]
    assert early[0]["upload-draft-interop-version"] == version
    assert early[0]["location"] == answer.headers["location"]
    assert "upload-limit" in early[0]
    assert any_draft.state(early[0]["location"]) == (5, False)


# --- size -----------------------------------------------------------------------

def send_blocks(connection, digest, size, block=rnd(MIB)):
    for _ in range(size // len(block)):
        connection.send(block)
        digest.update(block)


@pytest.mark.parametrize("size", [GIB + MIB, (4 << 30) + MIB] if IS_LONG
                         else [64 * MIB, 192 * MIB],
                         ids=lambda size: f"{size // MIB} MiB")
def test_lines_97_98_memory_stays_flat_however_long_a_body_is(server, tus,
                                                              size):
    digest, warm = hashlib.sha256(), 32 * MIB
    for count in (warm, size):
        upload = tus.create(count)
        digest = hashlib.sha256()
        peak = before = server.memory()
        with tus.begin("PATCH", upload, {
                **OCTETS, "Upload-Offset": 0, "Content-Length": count},
                timeout=120) as connection:
            for _ in range(count // (16 * MIB)):
                send_blocks(connection, digest, 16 * MIB)
                peak = max(peak, server.memory())
            send_blocks(connection, digest, count % (16 * MIB))
            response = connection.response("PATCH")
        assert response.status == 204, response.body
        assert response.headers["Upload-Offset"] == str(count)
        entry = tus.uploads.settled(name(upload))
        assert (entry["size"], entry["sha256"]) == (count, digest.hexdigest())
        tus.delete(upload)
    # parts on their way to S3 are within StagingPartMemory
    assert peak - before < 32 * 1024, f"{peak - before} KiB"


def test_line_97_lengths_beyond_32_bits_are_understood(tus):
    size = (4 << 30) + 10
    upload = tus.create(size)
    assert tus.head(upload).headers["Upload-Length"] == str(size)
    tus.patching(upload, 0, size, b"12345").reset()
    assert 0 <= tus.offset(upload) <= 5
    assert tus.patch(upload, size - 5, b"12345").status == 409
    assert tus.delete(upload).status == 204


# --- hostile clients ------------------------------------------------------------

@pytest.mark.parametrize("begins", ["waiting", "sending"])
def test_line_99_a_refused_gigabyte_is_answered_at_once(any_tus, begins):
    """Before its answer nobody reads more than a buffer. What httpd throws
    away behind it, so that who is still sending can read it, is not ours."""
    upload = any_tus.create(2 * GIB, body=b"12345")
    with any_tus.begin("PATCH", upload, {
            **OCTETS, "Upload-Offset": 4,
            "Content-Length": GIB}) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF,
                                     65536)
        began, sent = time.monotonic(), 0
        while begins == "sending" and connection.is_silent(0):
            sent += connection.socket.send(b"x" * 65536)
        response = connection.response("PATCH")
        assert time.monotonic() - began < 10  # half of what httpd waits
        assert response.status == 409
        assert "close" in response.headers["Connection"].split(", ")
        assert connection.is_closed()
    # 64 KiB, and what the buffers of two sockets hold if nobody reads
    assert sent <= 65536 + MIB
    assert any_tus.offset(upload) == 5


EVIL = ["line\r\nX-Evil: yes", "nul\0X-Evil: yes", 'quo"ted"; X-Evil=yes',
        "\r\n\r\n<script>X-Evil</script>", "back\\slash\"\r\nX-Evil: yes"]


def is_clean(response):
    """No header came out of a text, and none has a raw byte of it."""
    assert "X-Evil" not in response.headers
    for _key, value in response.headers.items():
        assert not set(value) & set("\r\n\0")
    return True


@pytest.mark.parametrize("text", EVIL, ids=ascii)
def test_line_100_no_text_of_a_client_makes_a_header_or_a_line(
        server, any_tus, any_draft, text):
    encoded = base64_of(text.encode())
    response = any_tus.post({
        "Upload-Length": 5, **OCTETS, "Upload-Metadata":
        f"filename {encoded},filetype {encoded},label {encoded}"}, b"12345")
    uploads = [any_tus.location(response)]
    percent = "".join(f"%{byte:02X}" for byte in text.encode())
    response = any_draft.post({
        "Upload-Complete": True, "Content-Disposition":
        f"inline; filename*=UTF-8''{percent}"}, b"12345")
    assert is_clean(response)
    uploads.append(response.headers["Location"])
    for upload in uploads:
        assert is_clean(any_tus.head(upload))
        any_tus.uploads.settled(name(upload))
        for answer in (any_tus.uploads.get(name(upload)),
                       any_tus.uploads.data(name(upload)),
                       any_tus.uploads.download(name(upload))):
            assert is_clean(answer)
        raw = requests.get(
            server.url + "/stream/" + name(upload) + "/data", timeout=20,
            headers={"Authorization": "Bearer " + any_tus.bearer})
        assert is_clean(raw)
        assert any_tus.delete(upload).status == 204
    for path in (server.logs / "access.log", server.node.error_log):
        log = path.read_bytes()
        assert b"\nX-Evil" not in log
        assert b"\0" not in log


@pytest.mark.parametrize("header", ["Upload-Metadata", "Upload-Concat",
                                    "Upload-Checksum", "Upload-Length",
                                    "Content-Disposition"])
@pytest.mark.parametrize("value", ["a\0b", "a\x01b", "a\rb"], ids=ascii)
def test_line_100_a_header_with_a_control_character_is_refused(
        server, any_tus, header, value):
    server.log.allow(r"\[core:")
    response = any_tus.post({"Upload-Length": 5, header: value})
    assert response.status == 400
    assert is_clean(response)
