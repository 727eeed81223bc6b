# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads while others are at work, nodes die and stores fail:
the conformance list of spec/resumable.md, section 5, lines 83 to 90."""

import concurrent.futures
import contextlib
import http.client
import os
import signal
import time
import uuid

import psycopg2
import pytest

from resumable import OCTETS, PARTIAL, Draft, Tus, name, rnd

MIB = 1 << 20


@pytest.fixture(name="frail_tus")
def tus_behind_a_proxy(server, frail):
    return Tus(server, "/resumable-frail", frail.bearer)


def ended(connection, method="PATCH"):
    """The answer with which the server has ended a connection, None if it
    just did."""
    response = None
    with contextlib.suppress(OSError, http.client.HTTPException):
        response = connection.response(method)
    assert connection.is_closed()
    connection.close()
    return response


def finish(tus, upload, data):
    """Go on from where it is, until all is there."""
    while (offset := tus.offset(upload)) < len(data):
        response = tus.patch(upload, offset, data[offset:])
        assert response.status == 204, response.body
    assert tus.content(upload) == data


# --- concurrency ----------------------------------------------------------------

def test_line_83_a_newer_request_ends_one_that_hangs(tus):
    data = rnd(20 * MIB)
    upload = tus.create(len(data))
    hung = tus.patching(upload, 0, len(data), data[:12 * MIB])
    began = time.monotonic()
    offset = tus.offset(upload)
    assert time.monotonic() - began < 4
    assert 0 < offset <= 12 * MIB
    assert tus.patch(upload, offset, data[offset:15 * MIB]).status == 204
    response = ended(hung)
    assert response is None or response.status in (409, 423)
    assert tus.offset(upload) == 15 * MIB
    finish(tus, upload, data)


def test_line_83_it_does_so_from_another_node_too(server, tus):
    upload = tus.create(10)
    hung = tus.patching(upload, 0, 10, b"12345")
    with server.another_node() as node:
        there = tus.but(port=node.port)
        began = time.monotonic()
        offset = there.offset(upload)
        assert time.monotonic() - began < 4
        assert there.patch(upload, offset,
                           b"1234567890"[offset:]).status == 204
    response = ended(hung)
    assert response is None or response.status in (409, 423)
    assert tus.content(upload) == b"1234567890"


@pytest.mark.parametrize("size", [1000, 100000])
def test_line_84_of_two_that_write_at_once_one_wins(tus, size):
    rounds = 50
    upload = tus.create(rounds * size * 2)
    offset, ranges = 0, []

    def send(sign):
        try:
            return tus.patch(upload, offset, sign * size).status
        except (OSError, http.client.HTTPException):
            return None

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            statuses = list(pool.map(send, (b"A", b"B")))
            assert statuses.count(204) <= 1, statuses
            assert set(statuses) <= {204, 409, 423, None}, statuses
            end = tus.offset(upload)
            winner = {(204, None): b"A", (None, 204): b"B"}.get(tuple(
                status if status == 204 else None for status in statuses))
            if winner:
                assert end == offset + size
            ranges.append((offset, end, winner))
            offset = end
    filler = b"C" * (rounds * size * 2 - offset)
    assert tus.patch(upload, offset, filler).status == 204
    data = tus.content(upload)
    assert data[offset:] == filler
    for first, end, winner in ranges:
        piece = data[first:end]
        assert piece in (b"A" * len(piece), b"B" * len(piece))
        assert not winner or piece == winner * size
    assert any(winner for _, _, winner in ranges)


# --- nodes ----------------------------------------------------------------------

def test_line_85_every_request_may_go_to_another_node(server, tus):
    data = rnd(12 * MIB)
    with server.another_node() as node:
        there = tus.but(port=node.port)
        upload = tus.create(len(data))
        assert there.patch(upload, 0, data[:5 * MIB]).status == 204
        assert tus.offset(upload) == 5 * MIB
        assert there.patch(upload, 5 * MIB, data[5 * MIB:9 * MIB + 1]
                           ).status == 204
        assert tus.patch(upload, 9 * MIB + 1, data[9 * MIB + 1:-1]
                         ).status == 204
        assert there.offset(upload) == len(data) - 1
        assert there.patch(upload, len(data) - 1, data[-1:]).status == 204
        assert there.offset(upload) == tus.offset(upload) == len(data)
        assert tus.content(upload) == data


def test_line_86_what_was_told_outlives_a_killed_child(server, draft):
    server.log.allow("exit signal Killed")
    data = rnd(40 * MIB)
    upload = draft.create(len(data), data[:1000])
    connection = draft.begin("PATCH", upload, {
        **PARTIAL, "Upload-Complete": True, "Upload-Offset": 1000,
        "Content-Length": len(data) - 1000}, timeout=60)
    for first in range(1000, 30 * MIB, 10 * MIB):
        connection.send(data[first:first + 10 * MIB])
        time.sleep(1.3)
    told = int(connection.interim()[1]["Upload-Offset"])
    for pid in server.node.children():
        os.kill(pid, signal.SIGKILL)
    connection.close()
    offset, is_complete = server.wait(lambda: answer_of(draft.state, upload))
    assert 1000 < told <= offset
    assert not is_complete
    assert draft.patch(upload, offset, data[offset:], True).status < 300
    assert draft.content(upload) == data


def answer_of(ask, *arguments):
    """None while nobody answers."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return ask(*arguments)
    return None


def test_line_87_a_graceful_restart_hands_clients_over(server, tus):
    """tus is told how far it came; a draft's client asks, because it would
    take any answer for the last one."""
    server.log.allow("LimitRequestBody is 5000")
    data = rnd(20 * MIB)
    draft = Draft(server, tus.path, tus.bearer)
    uploads = tus.create(len(data)), tus.create(len(data))
    old = server.node.children()
    running = tus.patching(uploads[0], 0, len(data), data[:12 * MIB])
    other = draft.receiving("PATCH", uploads[1], {
        **PARTIAL, "Upload-Complete": True, "Upload-Offset": 0,
        "Content-Length": len(data)}, data[:12 * MIB])
    time.sleep(1)
    server.node.graceful()
    response = ended(running)
    assert response.status == 204
    assert "close" in response.headers["Connection"]
    offset = int(response.headers["Upload-Offset"])
    assert 0 < offset <= 12 * MIB
    assert ended(other) is None
    server.wait(lambda: not server.node.children() & old)
    assert server.wait(lambda: answer_of(tus.offset, uploads[0])) == offset
    finish(tus, uploads[0], data)
    offset, is_complete = draft.state(uploads[1])
    assert 0 < offset <= 12 * MIB
    assert not is_complete
    assert draft.patch(uploads[1], offset, data[offset:], True).status < 300
    assert draft.content(uploads[1]) == data


@pytest.mark.parametrize("dialect", [Tus, Draft])
def test_line_87_a_graceful_restart_keeps_what_has_come(server, frail_tus,
                                                        dialect):
    """Less than a part of S3, and the store takes its time: more of it than
    other uploads have to end in."""
    size, count = 40 * MIB, 64 * 1024
    data = rnd(size)
    with server.another_node("StagingDrain 1s\n") as node:
        there = dialect(server, frail_tus.path, frail_tus.bearer).but(
            port=node.port)
        upload = there.create(size)
        running = there.receiving("PATCH", upload, {
            **(OCTETS if dialect is Tus else PARTIAL), "Upload-Offset": 0,
            "Upload-Complete": None if dialect is Tus else "?1",
            "Content-Length": size})
        sent, past = 0, None
        until = time.monotonic() + 3
        with contextlib.suppress(OSError):
            while sent < 4 * MIB and running.is_silent(0):
                running.send(data[sent:sent + count])
                sent += count
                time.sleep(0.05)
                if not past and time.monotonic() > until - 2:
                    past = sent
                if time.monotonic() > until:
                    server.proxy.freeze()
                    node.graceful()
                    until += 60
        assert past and until > time.monotonic() + 50
        time.sleep(3)
        server.proxy.up()
        response = ended(running)
        offset = frail_tus.offset(upload)
        assert past <= offset <= sent
        assert (dialect is Draft) == (response is None)
        if response:
            assert response.status == 204
            assert response.headers["Upload-Offset"] == str(offset)
    finish(frail_tus, upload, data)


def test_line_87_a_frozen_store_delays_a_restart_by_seconds_only(server,
                                                                 patient):
    """Of those that it serves; others are served at once."""
    extra = '<Location "/resumable-patient">\n' \
        "    SetHandler staging-resumable\n    Require all granted\n" \
        "    StagingUseStore patient\n</Location>\n"
    complaint = "STORE_DOWN|the store does not answer"
    server.log.allow(complaint)
    with server.another_node(extra) as node:
        node.log.allow(complaint)
        tus = Tus(server, "/resumable-patient", patient.bearer).but(
            port=node.port)
        upload = tus.create(40 * MIB, body=b"12345")
        running = tus.patching(upload, 5, 40 * MIB - 5, rnd(3 * MIB))
        time.sleep(0.5)
        old = node.children()
        server.proxy.freeze()
        node.graceful()
        server.wait(lambda: node.children() - old, 3)
        response = ended(running)
        server.wait(lambda: not node.children() & old, 10)
        server.proxy.up()
        assert response.status == 204
        assert response.headers["Upload-Offset"] == "5"
        assert tus.offset(upload) == 5


# --- stores ---------------------------------------------------------------------

def test_line_88_without_its_store_nothing_is_promised(server, frail_tus):
    server.log.allow("STORE_(DOWN|FAILED)|the store ")
    data = rnd(40 * MIB)
    upload = frail_tus.create(len(data), body=data[:1000])
    running = frail_tus.patching(upload, 1000, len(data) - 1000,
                                 data[1000:10 * MIB])
    server.proxy.down()
    with contextlib.suppress(OSError):
        running.send(data[10 * MIB:])
    response = ended(running)
    assert response is None or response.status in (500, 502, 503)
    offset = frail_tus.offset(upload)
    assert 1000 <= offset < len(data)
    assert frail_tus.patch(upload, offset, data[offset:]).status >= 500
    assert frail_tus.offset(upload) >= offset
    server.proxy.up()
    server.wait(lambda: frail_tus.patch(
        upload, frail_tus.offset(upload), data[frail_tus.offset(upload):]
    ).status == 204, 60)
    assert frail_tus.content(upload) == data


# --- deletion -------------------------------------------------------------------

@pytest.mark.parametrize("way", ["upload", "uploads", "resumable"])
def test_a_deletion_that_waited_takes_what_it_became(server, alice, any_tus,
                                                     way):
    """The whole has taken the place of what was gathering, just before."""
    upload = any_tus.create(10)
    whole, gathering = str(uuid.uuid4()), server.sql(
        "SELECT object FROM resumable WHERE id = %s", name(upload))[0][0]
    table = "resumable" if way == "resumable" else "upload"
    deletions = {
        "upload": lambda: alice.delete(name(upload)),
        "uploads": lambda: alice.request("POST", "/delete",
                                         json={"ids": [name(upload)]}),
        "resumable": lambda: any_tus.delete(upload)}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with psycopg2.connect(server.dsn) as other, other.cursor() as rows:
            rows.execute(f"UPDATE {table} SET label = label WHERE id = %s",
                         (name(upload),))
            deletion = pool.submit(deletions[way])
            time.sleep(1)
            rows.execute("INSERT INTO object (id, store, state) SELECT %s, "
                         "store, 'stored' FROM object WHERE id = %s",
                         (whole, gathering))
            rows.execute(f"UPDATE {table} SET object = %s WHERE id = %s",
                         (whole, name(upload)))
        other.close()
        deletion.result(20)
    assert any_tus.head(upload).status in (404, 410)
    assert not server.sql("SELECT id FROM object WHERE id = %s "
                          "AND state <> 'deleting'", whole)
    server.sql("UPDATE object SET state = 'deleting' WHERE id = %s", gathering)
    server.ctl("gc")


# --- collection -----------------------------------------------------------------

def test_line_89_a_running_transfer_is_not_collected(server, tus):
    idle = tus.but(path=tus.path + "-idle")
    data = rnd(12 * MIB)
    upload = idle.create(len(data))
    running = idle.patching(upload, 0, len(data), data[:10 * MIB])
    for _ in range(5):
        time.sleep(1)
        server.ctl("gc")
    response = running.send(data[10 * MIB:]).response("PATCH")
    running.close()
    assert response.status == 204, response.body
    assert idle.content(upload) == data


def traces(server, upload, object_):
    """Rows of what was being received."""
    return server.sql(
        "SELECT 'object' FROM object WHERE id = %s OR tail_of = %s UNION ALL "
        "SELECT 'part_upload' FROM part_upload WHERE object = %s UNION ALL "
        "SELECT 'part' FROM part WHERE object = %s UNION ALL "
        "SELECT 'upload' FROM upload WHERE id = %s AND status = 'pending'",
        object_, object_, object_, object_, name(upload))


def test_line_89_nothing_is_left_of_what_has_expired(server, tus):
    """Parts, a tail, and what a cut left behind it."""
    idle = tus.but(path=tus.path + "-idle")
    upload = idle.create(40 * MIB, body=rnd(9 * MIB))
    object_ = idle.row(upload)[1]
    assert traces(server, upload, object_)
    idle.patching(upload, 9 * MIB, 31 * MIB, rnd(15 * MIB)).reset()
    server.wait(lambda: idle.head(upload).status == 410)
    server.ctl("gc")
    server.wait(lambda: not traces(server, upload, object_))
    check = server.ctl("check", "--deep", check=False)
    assert check.returncode == 0, check.stdout
    folder = server.dir / "file"
    assert not [path for path in folder.rglob("*")
                if str(object_) in str(path)]


def test_line_90_a_crowd_cannot_overshoot_what_may_be_in_flight(server, tus):
    uploads = [tus.create(10) for _ in range(10)]

    def begin(upload, port):
        """A connection at its body, or the answer that refused it."""
        connection = tus.but(port=port).begin("PATCH", upload, {
            **OCTETS, "Upload-Offset": 0, "Content-Length": 10,
            "Expect": "100-continue"})
        if connection.file.peek(12)[:12] == b"HTTP/1.1 100":
            connection.interim()
            return connection
        return connection.response("PATCH")

    with server.another_node("StagingMaxInFlight 3\n") as node, \
            concurrent.futures.ThreadPoolExecutor(10) as pool:
        node.log.allow("BUSY: the server is receiving as many")
        begun = list(pool.map(lambda one: begin(one, node.port), uploads))
        refused = [one for one in begun if hasattr(one, "status")]
        running = [one for one in begun if not hasattr(one, "status")]
        assert (len(running), len(refused)) == (3, 7)
        for response in refused:
            assert response.status == 503
            assert int(response.headers["Retry-After"]) > 0
        for connection in running:
            assert connection.send(b"1234567890").response(
                "PATCH").status == 204
            connection.close()
        there = tus.but(port=node.port)
        left = [one for one in uploads if tus.offset(one) == 0]
        assert len(left) == 7
        for upload in left:
            assert server.wait(lambda one=upload: there.patch(
                one, 0, b"1234567890").status == 204)
            assert tus.content(upload) == b"1234567890"
