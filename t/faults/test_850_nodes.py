# SPDX-License-Identifier: Apache-2.0
"""Two servers on one database and one store: together, and when one of them
dies, stands still for longer than its lease, or has another time."""

import contextlib
import os
import re
import signal
import threading
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import requests

from clients import Client
from conftest import CHILDREN, is_long
from load import LIGHTLY, MIB
from slow import SlowUpload
from stack import frozen, run

BARELY = {"threads": 1, "pause": 0.5}
# Meanwhile the time for a body, or for a call of the store, may be over, too.
LOST = ("the lease of this process ran out|while it was received|store lost|"
        "STORE_DOWN: upload|the lease of the node has run out")
FAILED = 404, 408, 502, 503
PARTS = b"parts" * (12 * MIB // 5)


@pytest.fixture(name="proxy")
def proxy_of_frail(server):
    if not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    yield server.proxy
    server.proxy.up()


@contextlib.contextmanager
def another_node(server, extra=""):
    """One that has tried its stores: those calls must not be held."""
    with server.another_node(extra) as node:
        last = server.stores_conf.read_text().split("StagingStore ")[-1]
        server.wait(lambda: f"store {last.split()[0]}:"
                    in node.error_log.read_text())
        yield node


def metric(node, name):
    text = requests.get(node.url + "/metrics", timeout=20).text
    return int(re.search(rf"^{name} (\d+)", text, re.M).group(1))


def nodes_of(server, pids):
    """The rows of these processes: {id}."""
    return {node for node, in server.sql(
        "SELECT id FROM node WHERE pid = ANY (%s)", list(pids))}


def sender(hold, nodes):
    """Which of the nodes made the call that is held."""
    port = f":{hold.client_port:04X}"
    lines = [line.split() for line in open("/proc/net/tcp", encoding="ascii")]
    # A port may have been another connection's a minute ago, which has no
    # socket any more.
    inode = next(line[9] for line in lines
                 if line[1].endswith(port) and line[9] != "0")
    return next(node for node in nodes for pid in node.pids()
                if has_socket(pid, inode))


def has_socket(pid, inode):
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if os.readlink(file) == f"socket:[{inode}]":
                return True
    return False


@contextlib.contextmanager
def stopped(server, node):
    """All its processes stand still, until others have taken over. A short
    round has the database believe that they have stood for a minute."""
    with frozen(node.pid()) as pids:
        if not is_long():
            server.sql("UPDATE node SET expires = now() - interval '1 minute',"
                       " suspected = now() - interval '21 seconds' "
                       "WHERE pid = ANY (%s)", pids)
        server.wait(lambda: not nodes_of(server, pids))
        server.ctl("gc")
        yield


def comes_back(server, node):
    """Its processes have noticed, and are known by new names."""
    server.wait(lambda: nodes_of(server, node.children()))


@contextlib.contextmanager
def posting(server, node, key, path, data, filename):
    """A thread that posts; [response or exception] once it has ended."""
    outcome = []

    def post():
        try:
            outcome.append(requests.post(
                f"{node.url}{path}?filename={filename}", data, timeout=60,
                headers={"Authorization": "Bearer " + key}))
        except requests.RequestException as error:
            outcome.append(error)

    thread = threading.Thread(target=post)
    thread.start()
    yield outcome
    thread.join()


def upload_named(server, filename):
    """The id of the last upload of this name."""
    return server.wait(lambda: server.sql(
        "SELECT id FROM upload WHERE filename = %s ORDER BY created DESC",
        filename))[0][0]


# --- both are well ------------------------------------------------------------

def test_two_nodes_do_everything_once_and_together(server, load, audit,
                                                   rounds):
    with another_node(server) as node:
        nodes = [server.node, node]
        removed = [metric(one, "staging_gc_removed_total") for one in nodes]
        errors = [metric(one, "staging_gc_errors_total") for one in nodes]
        with load(nodes=nodes, **LIGHTLY) as clients:
            time.sleep(rounds(5, 600))
            for one, before in zip(nodes, removed):
                server.wait(lambda: metric(
                    one, "staging_gc_removed_total") > before)
        assert not clients.failures()
        assert not audit.twice()
        for one, before in zip(nodes, errors):
            assert metric(one, "staging_gc_errors_total") == before
            assert not server.s3 or \
                nodes_of(server, one.children()) & audit.claimants()


def test_a_node_whose_clock_is_off_by_twenty_minutes_changes_nothing(
        server, load, audit, rounds, monkeypatch):
    server.log.fresh()
    with contextlib.ExitStack() as stack:
        with monkeypatch.context() as clock:
            clock.setenv("LD_PRELOAD", run("faketime", "-f", "+20m", "sh",
                                           "-c", "echo $LD_PRELOAD").strip())
            clock.setenv("FAKETIME", "+20m")
            clock.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            node = stack.enter_context(another_node(server))
        date = requests.get(node.url + "/health", timeout=20).headers["Date"]
        assert parsedate_to_datetime(date).timestamp() - time.time() > 1100
        mine = nodes_of(server, node.children())
        with load(nodes=[server.node, node], **LIGHTLY) as clients:
            time.sleep(rounds(5, 120))
        assert not clients.failures()
        assert not audit.twice()
        assert nodes_of(server, node.children()) == mine
        # there, too, what begins within a minute counts already
        now = int(time.time()) + 1200
        for early, status in ((30, 200), (90, 401)):
            token = server.token("bob", nbf=now + early, exp=now + 600)
            assert requests.get(node.url + "/upload", timeout=20, headers={
                "Authorization": "Bearer " + token}).status_code == status
    assert not [line for line in server.log.fresh() if "lease" in line]


# --- one dies -----------------------------------------------------------------

def test_what_a_killed_node_held_is_anothers_within_thirty_seconds(
        server, proxy, load, audit, key):
    with another_node(server, CHILDREN) as node:
        node.log.allow(".")
        nodes = [server.node, node]
        with load(nodes=nodes, **LIGHTLY), SlowUpload(node, key, 90):
            slow = upload_named(server, "slow.bin")
            job = job_of(server, proxy, key, node, nodes)
            pids = node.pids()
            dead = nodes_of(server, pids)
            # elsewhere, where nobody else sees that they are gone
            server.sql("UPDATE node SET host = 'elsewhere' "
                       "WHERE id = ANY (%s::uuid[])", list(dead))
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            died = time.monotonic()
            proxy.up()
            server.wait(lambda: server.row(job)[0] == "success")
            server.wait(lambda: not server.sql(
                "SELECT FROM node WHERE id = ANY (%s::uuid[])", list(dead)),
                died + 30 - time.monotonic())
            server.wait(lambda: server.row(slow)[0] == "failure",
                        died + 40 - time.monotonic())
            print(f"handed over after {time.monotonic() - died:.1f} s")
        assert len(audit.claims(job)) == 2
        assert not audit.twice()


def job_of(server, proxy, key, node, nodes):
    """An upload whose job this node is at; what it waits for is held."""
    while True:
        hold = proxy.hold("complete")
        with posting(server, node, key, "/frail", PARTS, "job.bin"):
            hold.wait()
        if sender(hold, nodes) is node:
            return upload_named(server, "job.bin")
        hold.release()


# --- one comes back -----------------------------------------------------------

@pytest.mark.parametrize("size", [200000, 12 * MIB])
def test_a_node_that_comes_back_has_lost_what_it_was_receiving(
        server, load, paths, key, size):
    with another_node(server) as node:
        node.log.allow(LOST)
        with load(**BARELY), contextlib.ExitStack() as stack:
            connections = [stack.enter_context(server.connect(node.port, 60))
                           for _ in paths]
            for path, connection in zip(paths, connections):
                connection.request("POST", f"{path}?filename=half.bin", {
                    "Authorization": "Bearer " + key, "Content-Length": size})
                connection.send(b"x" * (size - 1000))
            server.wait(lambda: len(pending(server)) == len(paths))
            time.sleep(0.5)  # the bytes are on their way
            uploads = pending(server)
            with stopped(server, node):
                assert [server.row(one)[0] for one in uploads] == \
                    ["failure"] * len(uploads)
            for connection in connections:
                answer = connection.send(b"x" * 1000).response("POST")
                assert answer.status in FAILED, answer.body
            assert [server.row(one)[0] for one in uploads] == \
                ["failure"] * len(uploads)
        comes_back(server, node)


def pending(server):
    return [upload for upload, in server.sql(
        "SELECT id FROM upload WHERE filename = 'half.bin' "
        "AND status = 'pending'")]


def test_bytes_that_were_taken_over_are_not_acknowledged(server, proxy, load,
                                                         key):
    """Between the store's commit and the database's."""
    with another_node(server) as node, load(**BARELY):
        node.log.allow(LOST)
        hold = proxy.hold("put")
        with posting(server, node, key, "/frail", b"held" * 99, "held.bin") \
                as outcome:
            hold.wait()
            upload = upload_named(server, "held.bin")
            with stopped(server, node):
                assert server.row(upload)[0] == "failure"
                hold.release()
        assert outcome[0].status_code in FAILED, outcome[0].text
        assert server.row(upload)[0] == "failure"
        comes_back(server, node)


def test_a_job_that_was_taken_over_is_not_ended_by_who_lost_it(
        server, proxy, load, audit, key):
    with another_node(server) as node, load(**BARELY):
        node.log.allow(LOST)
        hold = proxy.hold("complete")
        with posting(server, node, key, "/frail", PARTS, "fenced.bin"):
            hold.wait()
        upload = upload_named(server, "fenced.bin")
        loser = sender(hold, [server.node, node])
        with stopped_with_job(server, loser, upload):
            hold.release()
        comes_back(server, loser)
        time.sleep(1)
        assert server.row(upload)[0] == "pending"
        server.sql("UPDATE job SET expires = now() WHERE subject = %s",
                   server.row(upload)[2])
        server.wait(lambda: server.row(upload)[0] == "success")
        assert len(audit.claims(upload)) == 3
        # The theft was ours, in stopped_with_job().
        assert [one[0] for one in audit.twice()] == ["theft"]


@contextlib.contextmanager
def stopped_with_job(server, node, upload):
    """And somebody else is at the job by now, who takes long."""
    object_id = server.row(upload)[2]
    others = nodes_of(server, [pid for pid, in server.sql(
        "SELECT pid FROM node")]) - nodes_of(server, node.children())
    server.sql("UPDATE job SET fence = fence + 1, owner = %s, "
               "expires = now() + interval '1 minute' WHERE subject = %s",
               others.pop(), object_id)
    with stopped(server, node):
        yield


def test_a_collector_that_comes_back_removes_nothing_of_others(
        server, proxy, load, key):
    with another_node(server) as node, load(**BARELY):
        node.log.allow(LOST)
        frail = Client(server, "/frail", key)
        entry = frail.stage(b"to be removed")
        hold = proxy.hold("post", "delete")
        gone = server.row(entry["id"])[2]
        assert frail.delete(entry["id"]).status_code == 204
        hold.wait()
        loser = sender(hold, [server.node, node])
        errors = metric(loser, "staging_gc_errors_total")
        with stopped(server, loser):
            assert not server.sql("SELECT FROM object WHERE id = %s", gone)
            hold.release()
        comes_back(server, loser)
        # Whoever really stood still was not there when its call ended.
        assert metric(loser, "staging_gc_errors_total") <= errors + is_long()
