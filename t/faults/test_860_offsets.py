# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads while everything breaks: what was acknowledged is never
asked for again, all of them can be completed, and nothing is left of those
that were not."""

import random
import time

import pytest

from conftest import CHILDREN
from load import LIGHTLY, MIB
from test_801_kills import kill_a_child
from test_802_power import cut_power, disk_of_file_store  # noqa: F401
from test_810_store import injected
from test_850_nodes import comes_back, stopped

SMALL = {100 << 10: 10, MIB: 5, 6 * MIB: 3, 12 * MIB + 3: 2}


@pytest.fixture(name="frail")
def proxy_of_frail(server):
    if not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    server.proxy.injected.clear()
    yield server.proxy
    server.proxy.up()


# --- processes ----------------------------------------------------------------

def test_killed_children_ask_for_nothing_again(server, offsets, rounds):
    with offsets():
        for _ in range(rounds(20, 1000)):
            time.sleep(random.uniform(0.05, 0.8))
            kill_a_child(server)


def test_everybody_killed_at_once_asks_for_nothing_again(server, offsets,
                                                         rounds):
    with offsets():
        for _ in range(rounds(3, 50)):
            time.sleep(random.uniform(1, 3))
            server.node.kill()
            server.node.start(server.node.conf.read_text())


def test_graceful_restarts_hand_all_clients_over(server, offsets, rounds):
    """No request is refused, but for some that come too late to one child and
    too early to the next."""
    with offsets(**LIGHTLY) as clients:
        for _ in range(rounds(3, 45)):
            old = server.node.children()
            server.node.graceful()
            server.wait(lambda: server.node.children() - old)
            server.wait(lambda: not server.node.children() & old)
            time.sleep(rounds(1, 20))
    assert {status for status, _headers, _text in clients.refusals} <= {
        409, 423, 503}, clients.refusals


# --- the database -------------------------------------------------------------

@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restarted_database_forgets_no_offset(server, offsets, rounds,
                                                mode):
    with offsets():
        for _ in range(rounds(3, 40)):
            time.sleep(random.uniform(0.3, 1.5))
            server.restart_database(mode)


def test_cut_connections_of_the_database_lose_no_offset(server, offsets,
                                                        rounds):
    with offsets():
        for _ in range(rounds(12, 600)):
            time.sleep(random.uniform(0.1, 0.4))
            server.sql("SELECT pg_terminate_backend(pid) "
                       "FROM pg_stat_activity WHERE random() < 0.8 "
                       "AND application_name = 'mod_staging'")


# --- the stores ---------------------------------------------------------------

@pytest.mark.parametrize("fault, share, only", [
    ("500", 0.05, ()), ("SlowDown", 0.05, ()),
    ("reset", 0.1, ("put", "part")), ("lost answer", 0.1, ()),
    ("error in a 200", 0.5, ("complete",)),
    ("damaged", 0.05, ("put", "part"))])
def test_a_store_that_errs_takes_no_offset_back(
        fault, share, only, server, frail, offsets, rounds):
    with offsets(paths=["/resumable-frail"], sizes=SMALL), \
            injected(frail, fault, share, only):
        server.wait(lambda: frail.injected[fault] >= rounds(5, 100), 600)


def test_a_store_that_is_gone_takes_no_offset_with_it(server, frail, offsets,
                                                      rounds):
    with offsets(paths=["/resumable-frail"], sizes=SMALL):
        for _ in range(rounds(2, 30)):
            time.sleep(2)
            frail.down()
            time.sleep(rounds(4, 40))
            frail.up()


# --- nodes --------------------------------------------------------------------

def test_every_second_request_may_go_to_another_node(server, offsets, rounds):
    """Which is killed now and then."""
    with server.another_node(CHILDREN) as node:
        node.log.allow(".")
        with offsets(nodes=[server.node, node]) as clients:
            for _ in range(rounds(2, 50)):
                before = clients.count
                server.wait(lambda: clients.count > before + 5)
                node.kill()
                time.sleep(1)
                node.start(node.conf.read_text())


def test_a_node_that_comes_back_changes_no_offset(server, offsets, rounds):
    """It stood still with transfers under way, and others have gone on with
    them."""
    with server.another_node(CHILDREN) as node:
        node.log.allow(".")
        with offsets(nodes=[server.node, node], timeout=5) as clients:
            for _ in range(rounds(2, 20)):
                before = clients.count
                server.wait(lambda: clients.count > before + 5)
                with stopped(server, node):
                    time.sleep(2)
                comes_back(server, node)


# --- power (last: the disk stays slow for the rest of these) ---------------------

def test_power_cuts_take_no_offset_back(server, disk, offsets, rounds):
    with offsets(paths=["/resumable"]):
        for _ in range(rounds(4, 200)):
            time.sleep(random.uniform(0.5, 2))
            cut_power(server.node, disk)
    print(f"{disk.lost} names and files lost that were not promised")
