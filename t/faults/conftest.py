# SPDX-License-Identifier: Apache-2.0
"""Faults under load. After each test nothing that was acknowledged may be
missing, and after one round of garbage collection nothing may be stray. In
the end no log may hold a secret.

STAGING_FAULTS=long makes the rounds that take hours."""

import os
import time

import pytest

from audit import Audit
from load import Load
from offsets import Offsets
from running import pytest_runtest_makereport, running
from s3_proxy import S3Proxy
from stack import leave_root, wanted_stores

leave_root()

# Several children, so that one can die while others serve.
CHILDREN = """
StartServers 3
ServerLimit 12
ThreadsPerChild 16
MaxRequestWorkers 64
MinSpareThreads 16
MaxSpareThreads 64
"""


RESUMABLE = {"/upload": "/resumable", "/s3": "/resumable-s3"}
UNDER_WAY = """
SELECT row_to_json(upload) FROM upload WHERE status = 'pending'
UNION ALL SELECT row_to_json(object) FROM object
WHERE state NOT IN ('stored', 'deleting')
UNION ALL SELECT row_to_json(job) FROM job
"""

# What there is of objects that come at offsets, while they do.
GATHERED = """
SELECT 'part_upload', object FROM part_upload
UNION ALL SELECT 'part', object FROM part
UNION ALL SELECT 'tail', id FROM object WHERE tail_of IS NOT NULL
UNION ALL SELECT 'gathering', id FROM object WHERE state = 'gathering'
"""


def is_long():
    return os.environ.get("STAGING_FAULTS") == "long"


@pytest.fixture(scope="session")
def rounds():
    """rounds(short, long): which of both this run makes."""
    return lambda short, long: long if is_long() else short


@pytest.fixture(scope="session", name="server")
def running_server(request):
    with running(request, wanted_stores(), S3Proxy,
                 lean=lambda _server: CHILDREN) as server:
        yield server
        assert not (found := server.find_secrets()), found


@pytest.fixture(scope="session", name="key")
def key_of_alice(server):
    return server.key("alice")


@pytest.fixture(name="paths")
def paths_of_stores(server):
    return ("/upload", "/s3") if server.s3 else ("/upload",)


@pytest.fixture(name="load")
def make_load(server, key, paths):
    """load(...): a Load, whose promises are looked at in the end."""
    loads = []

    def make(**more):
        loads.append(Load(server, key, **{"paths": paths, **more}))
        return loads[-1]

    yield make
    settle(server)
    for one in loads:
        assert one.count, one.answers
        print(f"{one.count} acknowledged, "
              f"{one.bytes + one.retired >> 20} MiB, slowest "
              f"{one.slowest:.1f} s, {dict(one.answers)}")
        assert not (losses := one.losses()), losses
    # The next test has its own; what nobody was promised goes as well.
    server.sql("UPDATE upload SET expires = now()")
    server.ctl("gc")


@pytest.fixture(name="offsets")
def make_offsets(server, key, paths):
    """offsets(...): Offsets, whose promises are looked at in the end. After
    load, where there are both."""
    crowds = []

    def make(**more):
        crowds.append(Offsets(server, key, **{
            "paths": [RESUMABLE[path] for path in paths], **more}))
        return crowds[-1]

    yield make
    # Those that were left half-way have no idle time any more.
    server.sql("UPDATE part_upload SET expires = now()")
    settle(server)
    assert not (left := server.sql(GATHERED)), left
    for one in crowds:
        assert one.count and one.resumed, one.answers
        print(f"{one.count} completed, {one.resumed} requests went on, "
              f"{one.progress} offsets told meanwhile, slowest "
              f"{one.slowest:.1f} s, {dict(one.answers)}")
        assert not (losses := one.losses()), losses
        server.sql("UPDATE upload SET expires = now() "
                   "WHERE id = ANY (%s::uuid[])", list(one.promised))
    server.ctl("gc")


@pytest.fixture(name="audit")
def audit_of_effects(server):
    with Audit(server) as audit:
        yield audit


def settle(server):
    """What was begun is ended without help; after one round of garbage
    collection everything agrees. That a hold was released the database may
    have forgotten in a crash: after a minute it is taken for lost."""
    server.let_leases_of_the_dead_run_out()
    wait_until_none_is_left(lambda: server.sql(UNDER_WAY), 90)
    server.ctl("gc")
    wait_until_none_is_left(lambda: unsettled(server), 90)
    check = server.ctl("check", "--deep", check=False)
    assert check.returncode == 0, check.stdout + check.stderr


def wait_until_none_is_left(find, seconds):
    end = time.monotonic() + seconds
    while left := find():
        assert time.monotonic() < end, "\n".join(map(str, left))
        time.sleep(0.1)


def unsettled(server):
    """Objects that are neither whole nor about to be."""
    return server.sql("SELECT id, state, receiver, claimed FROM object "
                      "WHERE state IN ('receiving', 'deleting')")
