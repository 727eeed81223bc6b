# SPDX-License-Identifier: Apache-2.0
"""Disks without room: of a store, of parts that wait, of logs. Whoever sends
then is told so, and nothing else happens; with room again all goes on."""

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path

import pytest
import requests

import wire
from conftest import CHILDREN, settle
from load import KIB, LIGHTLY, MIB

SIZE = 40 * MIB
INODES = 2000
NAME = "tight.bin"
# One location whose store is the small disk, where parts of S3 wait, too.
TIGHT = """
StagingTempDir "{path}/temp"
StagingPartMemory 1M
<Location "/tight">
    SetHandler staging-uploads
    StagingUseStore tight
</Location>
"""
LOGS = """
ErrorLog "{folder}/{error}"
CustomLog "{folder}/{access}" full
"""


class SmallDisk:
    """A small file system in a mount namespace of a process that does nothing
    but have it; whatever runs as our user reaches it through /proc."""

    def __init__(self, mount_point):
        mount_point.mkdir()
        self.holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
             'mount -t tmpfs -o "$1" disk "$0" && cd "$0" && echo && exec cat',
             mount_point, f"size={SIZE},nr_inodes={INODES}"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        if not self.holder.stdout.readline():
            pytest.skip("no small disk is to be had without user namespaces: "
                        + self.holder.communicate()[1].strip())
        self.path = Path(f"/proc/{self.holder.pid}/cwd")
        self.ballast = self.path / "ballast"

    def stop(self):
        self.holder.communicate()

    def free(self):
        disk = os.statvfs(self.path)
        return disk.f_bavail * disk.f_frsize

    @contextlib.contextmanager
    def full(self, leave=0):
        """Of bytes; others may write and remove meanwhile."""
        with open(self.ballast, "wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                while (room := self.free() - leave) > 0:
                    file.write(bytes(min(room, MIB)))
        try:
            yield
        finally:
            self.ballast.unlink()

    @contextlib.contextmanager
    def without_inodes(self):
        files = []
        with contextlib.suppress(OSError):
            while True:
                files.append(self.path / f"ballast{len(files)}")
                files[-1].touch()
        try:
            yield
        finally:
            for file in files[:-1]:
                file.unlink()


def configure(server, stores, conf):
    """Children of this configuration only."""
    old = server.node.children()
    server.stores_conf.write_text(stores)
    server.node.conf.write_text(conf)
    server.node.graceful()
    server.wait(lambda: server.node.children()
                and not server.node.children() & old, 40)


@pytest.fixture(scope="module", name="disk")
def small_disk(server):
    disk = SmallDisk(server.dir / "disk")
    (disk.path / "temp").mkdir()
    stores, conf = (file.read_text()
                    for file in (server.stores_conf, server.node.conf))
    configure(server,
              stores + f"StagingStore tight file://{disk.path}/store\n",
              conf + TIGHT.format(path=disk.path))
    yield disk
    configure(server, stores, conf)
    server.forget_foreign_stores()
    disk.stop()


@pytest.fixture(name="nothing_kept")
def nothing_is_kept(server, disk):
    """Of what fails nothing stays; nobody crashes on the way."""
    server.log.fresh()
    yield
    assert not [line for line in server.log.fresh() if "exit signal" in line]
    settle(server)
    assert not stored(disk)
    assert {row[0] for row in rows(server)} == {"failure"}
    assert all("the store is full" in row[1] for row in rows(server))
    server.sql("DELETE FROM upload WHERE filename = %s", NAME)


def rows(server):
    return server.sql("SELECT status, message FROM upload "
                      "WHERE filename = %s", NAME)


def stored(disk):
    """Files of the store, whole or half."""
    return [file for file in (disk.path / "store").rglob("*")
            if file.is_file()]


def head(key, **more):
    return {"Authorization": "Bearer " + key, **more}


def is_full(answer):
    assert answer.status == 507, answer.body
    assert "full" in json.loads(answer.body)["detail"]
    return True


# --- the disk of a store ------------------------------------------------------

@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("kind", ["raw", "form"])
def test_what_cannot_fit_is_507_before_its_body_is_read(server, disk, key,
                                                        kind):
    """A form is known to be too large once its file begins."""
    body, form = wire.form(("file", b"", NAME, None))
    size = disk.free() + 2 * MIB
    with server.connect() as connection:
        if kind == "raw":
            connection.request("POST", "/tight?filename=" + NAME,
                               head(key, **{"Content-Length": size}))
        else:
            connection.request("POST", "/tight", head(
                key, **{"Content-Length": size, "Content-Type": form}))
            connection.send(body[:body.index(b"\r\n\r\n") + 4])
        assert is_full(connection.response("POST"))
        assert connection.is_closed()


@pytest.mark.usefixtures("nothing_kept")
def test_what_fills_the_disk_in_mid_body_is_507_and_makes_room_again(
        server, disk, key):
    """Nobody knew how long it was; who comes behind it has all of the disk."""
    free = disk.free()
    with server.connect() as connection:
        connection.request("POST", "/tight?filename=" + NAME, head(
            key, **{"Transfer-Encoding": "chunked"}))
        with contextlib.suppress(ConnectionError):  # there is an answer
            for _ in range(free // MIB + 2):
                connection.chunk(bytes(MIB))
        assert is_full(connection.response("POST"))
    server.wait(lambda: disk.free() >= free - MIB)
    answer = requests.post(server.url + "/tight?filename=behind",
                           data=bytes(disk.free() - 2 * MIB), timeout=20,
                           headers=head(key))
    assert answer.status_code == 202, answer.text
    requests.delete(f"{server.url}/tight/{answer.json()['id']}", timeout=20,
                    headers=head(key))


@pytest.mark.parametrize("exhausted", [SmallDisk.full,
                                       SmallDisk.without_inodes])
def test_uploads_go_on_once_a_full_disk_has_room(server, disk, load,
                                                 exhausted):
    with load(paths=["/tight"], sizes={10: 1, 100 * KIB: 1},
              **LIGHTLY) as clients:
        server.wait(lambda: clients.count > 5)
        with exhausted(disk):
            server.wait(lambda: len(clients.refusals) > 20)
        before = clients.count
        server.wait(lambda: clients.count > before + 20)
    assert {status for status, _headers, _text in clients.refusals} == {507}
    assert set(clients.failures()) == {("POST", 507)}


# --- the disk of parts --------------------------------------------------------

def test_parts_without_room_to_wait_are_507(server, disk, load, key):
    """What fits into memory goes on meanwhile."""
    if not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    with load(paths=["/s3"], sizes={6 * MIB: 1}, **LIGHTLY) as clients:
        server.wait(lambda: clients.count > 5)
        with disk.full():
            server.wait(lambda: len(clients.refusals) > 10)
            server.wait(lambda: requests.post(
                server.url + "/s3?filename=small", data=b"small", timeout=20,
                headers=head(key)).status_code == 202)
    for status, _headers, text in clients.refusals:
        assert status == 507, text
        assert "no room for temporary data" in text
    assert set(clients.failures()) == {("POST", 507)}


# --- the disk of logs ---------------------------------------------------------

def test_a_log_that_takes_nothing_stops_nobody(server, load):
    logs = LOGS.format(folder="/dev", error="full", access="full")
    with server.another_node(CHILDREN + logs) as node, \
            load(nodes=[node], **LIGHTLY) as clients:
        time.sleep(2)
    assert not clients.failures()


def test_a_log_goes_on_once_a_full_disk_has_room(server, disk, load):
    logs = LOGS.format(folder=disk.path, error="error.log",
                       access="access.log")
    files = [disk.path / name for name in ("error.log", "access.log")]
    with server.another_node(CHILDREN + logs) as node, \
            load(nodes=[node], **LIGHTLY) as clients:
        with disk.full():
            sizes = [file.stat().st_size for file in files]
            time.sleep(2)
            # a page was open
            assert all(file.stat().st_size < size + 64 * KIB
                       for file, size in zip(files, sizes))
        sizes = [file.stat().st_size for file in files]
        server.wait(lambda: all(file.stat().st_size > size
                                for file, size in zip(files, sizes)))
    assert not clients.failures()
    for file in files:
        file.unlink()
