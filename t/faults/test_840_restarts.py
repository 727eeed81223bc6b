# SPDX-License-Identifier: Apache-2.0
"""Restarts that an administrator, or httpd itself, makes under load."""

import os
import signal
import time

import pytest

from clients import Client
from conftest import CHILDREN
from load import LIGHTLY, MIB
from slow import SlowUpload
from stack import is_serving


def test_graceful_restarts_fail_no_upload(server, load, audit, key, rounds):
    """Old children stay for the uploads that they are receiving only."""
    generations = server.node.children()
    with load(**LIGHTLY) as clients, \
            SlowUpload(server.node, key, rounds(12, 120)) as slow:
        for _ in range(rounds(3, 45)):
            old = server.node.children()
            generations |= old
            server.node.graceful()
            server.wait(lambda: server.node.children() - old)
            server.wait(lambda: not server.node.children() & old
                        - slow.receiver())
            time.sleep(rounds(1, 20))
    server.wait(lambda: not server.node.children() & generations)
    clients.promised |= slow.promised
    assert set(slow.outcomes) == {202}
    assert not clients.failures()
    assert not audit.twice()


def test_old_children_outlive_the_drain_neither_for_uploads_nor_jobs(
        server, load, audit, key):
    """A slow upload is cut, and a job that waits for a silent store left to
    those that stay."""
    if not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    frail = Client(server, "/frail", key)
    with load(**LIGHTLY) as clients, \
            server.another_node(CHILDREN + "StagingDrain 3s\n") as node:
        node.log.allow("BUSY: upload .* restarted|STORE_|attempt .* failed")
        hold = server.proxy.hold("complete")
        with SlowUpload(node, key, 8) as slow:
            job = frail.stage(b"parts" * (12 * MIB // 5))["id"]
            hold.wait()
            old = node.children() | server.node.children()
            for one in (node, server.node):
                one.graceful()
            server.wait(lambda: not any(map(is_serving, old)))
            server.wait(lambda: slow.outcomes)
        server.proxy.up()
        frail.settled(job)
    assert slow.outcomes[0] == 503
    assert frail.get(job).json()["status"] == "success"
    assert not clients.failures()
    assert not audit.twice()


def test_children_that_end_after_fifty_connections_fail_no_upload(
        server, load, audit, rounds):
    with server.another_node(CHILDREN + "MaxConnectionsPerChild 50\n") as node:
        seen = set()
        with load(nodes=[node], **LIGHTLY) as clients:
            while len(seen) < rounds(6, 200):
                seen |= node.children()
                time.sleep(0.05)
        assert not clients.failures()
        assert not audit.twice()


@pytest.mark.parametrize("how, seconds, outcome", [
    (signal.SIGTERM, 30, False), (signal.SIGWINCH, 3, True)],
    ids=["stop", "graceful-stop"])
def test_a_stop_under_load_loses_nothing(server, load, audit, key, how,
                                         seconds, outcome):
    """A graceful one waits for uploads, up to GracefulShutdownTimeout; httpd
    ends what is left in up to ten seconds."""
    with server.another_node(CHILDREN + "GracefulShutdownTimeout 5\n") as node:
        node.log.allow("AH0004[567]|did not exit")
        with load(nodes=[server.node, node], **LIGHTLY):
            with SlowUpload(node, key, seconds) as slow:
                everybody = node.pids()
                os.kill(node.pid(), how)
                server.wait(lambda: not any(map(is_serving, everybody)), 25)
            node.start(node.conf.read_text())
            time.sleep(1)
        assert (slow.outcomes[0] == 202) is outcome
        assert not audit.twice()
