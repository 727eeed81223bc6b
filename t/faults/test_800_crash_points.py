# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every point where it could hurt: around each commit, each call of
a store and each answer. A build of its own has these points (base/crash.h),
and a process dies at one that is armed."""

import contextlib
import os
import random
import re
import threading
import time

import psycopg2
import pytest

from conftest import CHILDREN
from load import MIB
from running import running
from stack import TOP, build_folder, wanted_stores
from stir import BRIEF, Stir

NAMES = sorted(
    name for path in (TOP / "mod_staging").rglob("*.c")
    for name in re.findall(r'STG_CRASH_POINT\("([^"]+)"\)', path.read_text()))
# Reached only by what waits for a lock until the database refuses.
HELD = {"debts-settle", "debts-settled", "job-extended"}
# What calls of S3 are around, and what needs a store that fails.
OF_S3 = {name for name in NAMES if name.startswith(("s3-", "parts-"))} | {
    "arrival-received-parts", "gc-release", "gc-released", "part-upload-tail"}
ARMED = 3         # at a time
PATIENCE = 120    # seconds until somebody gets to a point


class Points:
    """The folder in which points are armed."""

    def __init__(self, folder):
        self.folder = folder
        self.kills = 0

    def kill_at(self, names):
        """Until a process has died at each of them, in random order."""
        waiting = random.sample(names, len(names))
        armed = {}
        while waiting or armed:
            while waiting and len(armed) < ARMED:
                name = waiting.pop()
                armed[name] = time.monotonic() + PATIENCE
                (self.folder / name).touch()
            time.sleep(random.uniform(0.05, 0.3))
            for name, end in list(armed.items()):
                if not (self.folder / name).exists():
                    del armed[name]
                    self.kills += 1
                elif time.monotonic() > end:
                    raise AssertionError(f"nobody came to {name}")

    def disarm(self):
        for path in self.folder.iterdir():
            path.unlink()


@pytest.fixture(scope="module", name="points")
def folder_of_points(tmp_path_factory):
    return Points(tmp_path_factory.mktemp("points"))


@pytest.fixture(scope="module", name="server")
def server_with_points(request, points):
    os.environ["STAGING_CRASH_FOLDER"] = str(points.folder)
    with running(request, wanted_stores(),
                 lean=lambda _server: CHILDREN + BRIEF,
                 build=build_folder("STAGING_CRASH_BUILD")) as server:
        yield server
        del os.environ["STAGING_CRASH_FOLDER"]
        assert not (found := server.find_secrets()), found


@pytest.fixture(scope="module", name="key")
def key_of_alice(server):
    return server.key("alice")


def test_each_point_has_a_name_of_its_own():
    assert len(NAMES) >= 40
    assert len(set(NAMES)) == len(NAMES)


def test_whoever_dies_at_a_point_loses_nothing(server, key, paths, points,
                                               load, offsets, rounds):
    names = [name for name in NAMES
             if name not in HELD and (server.s3 or name not in OF_S3)]
    with load(), offsets(), Stir(server, key, paths):
        try:
            for _ in range(rounds(1, 25)):
                points.kill_at(names)
        finally:
            points.disarm()
    print(f"{points.kills} kills")


def test_whoever_dies_after_a_long_wait_loses_nothing(server, key, points,
                                                      load, rounds):
    with load(threads=1, sizes={6 * MIB: 1}), held(server, key):
        for _ in range(rounds(1, 25)):
            points.kill_at(sorted(HELD))


@contextlib.contextmanager
def held(server, key):
    """Again and again all that a job and a failed upload want to change is
    locked, longer than they wait for it."""
    stop = threading.Event()

    def repeat():
        while not stop.is_set():
            hold(server, key)

    thread = threading.Thread(target=repeat)
    thread.start()
    yield
    stop.set()
    thread.join()
    # Jobs without hope would be tried for minutes still.
    server.sql("DELETE FROM object WHERE state = 'finishing' AND NOT EXISTS "
               "(SELECT FROM upload WHERE upload.object = object.id)")
    server.sql("DELETE FROM job WHERE NOT EXISTS "
               "(SELECT FROM object WHERE object.id = job.subject)")


def hold(server, key, seconds=16):
    with psycopg2.connect(server.dsn) as db, db.cursor() as cursor, \
            server.connect() as connection:
        connection.request(
            "POST", "/upload?filename=held.bin",
            {"Authorization": "Bearer " + key, "Content-Length": str(MIB)},
            b"a beginning")
        time.sleep(0.5)
        cursor.execute("""
            SELECT FROM object JOIN upload ON upload.object = object.id
            WHERE state = 'receiving' AND filename = 'held.bin'
            FOR UPDATE OF object""")
        unfinished = server.sql("""
            INSERT INTO object (id, store, state, size)
            SELECT gen_random_uuid(), 'main', 'finishing', 1
            FROM generate_series(1, 16)
            RETURNING id::text""")
        ids = [row[0] for row in unfinished]
        cursor.execute("SELECT FROM object WHERE id = ANY (%s::uuid[]) "
                       "FOR UPDATE", (ids,))
        server.sql("INSERT INTO job (kind, subject, attempts) SELECT "
                   "'upload_finish', id::uuid, 11 FROM unnest(%s) AS id", ids)
        connection.reset()
        time.sleep(seconds)
