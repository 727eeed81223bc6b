# SPDX-License-Identifier: Apache-2.0
"""The power is cut: whatever the file store has not synced is lost. The
database keeps all that was committed, so that nothing may be in there before
its bytes are safe."""

import random
import shutil
import time

import pytest

from load import LIGHTLY
from power import Disk


@pytest.fixture(scope="module", name="disk")
def disk_of_file_store(server):
    disk = Disk(server.dir / "file", server.dir / "notes")
    server.node.stop()
    disk.begin()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in disk.environment.items():
            environment.setenv(name, value)
        start(server.node)
        yield disk
        server.node.stop()
    start(server.node)


def test_power_cuts_lose_nothing_acknowledged(server, disk, load, rounds):
    with load(paths=["/upload"]):
        for _ in range(rounds(4, 200)):
            time.sleep(random.uniform(0.3, 1.2))
            cut_power(server.node, disk)
    print(f"{disk.lost} names and files lost that were not promised")
    assert disk.lost


@pytest.mark.parametrize("what", ["files", "folders"])
def test_what_cannot_be_synced_is_502_and_not_kept(server, disk, load, what):
    """A power cut right behind it loses nothing that was acknowledged."""
    server.node.stop()
    disk.begin()
    start(server.node)
    with load(paths=["/upload"], **LIGHTLY) as clients:
        server.wait(lambda: clients.count > 5)
        with disk.broken(what):
            server.wait(lambda: len(clients.refusals) > 10)
            server.node.kill()
        disk.cut()
        start(server.node)
        before = clients.count
        server.wait(lambda: clients.count > before + 5)
    assert {status for status, _headers, _text in clients.refusals} == {502}


def test_a_new_store_outlives_a_power_cut(server, disk, load):
    server.node.stop()
    remove_store(server, disk.folder)
    disk.begin()
    start(server.node)
    with load(paths=["/upload"], **LIGHTLY):
        time.sleep(1)
        cut_power(server.node, disk)


def test_a_store_found_unsynced_outlives_a_power_cut(server, disk, load):
    """Who made it may have been killed before it was synced."""
    server.node.stop()
    disk.begin(names_are_safe=False)
    start(server.node)
    with load(paths=["/upload"], **LIGHTLY):
        time.sleep(1)
        cut_power(server.node, disk)


def remove_store(server, folder):
    """With what others have left, and were not promised."""
    server.sql("DELETE FROM upload WHERE object IN "
               "(SELECT id FROM object WHERE store = 'main')")
    server.sql("DELETE FROM object WHERE store = 'main'")
    shutil.rmtree(folder)


def cut_power(node, disk):
    node.kill()
    disk.cut()
    start(node)


def start(node):
    node.start(node.conf.read_text())
