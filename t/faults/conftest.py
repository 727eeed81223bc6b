# SPDX-License-Identifier: Apache-2.0
"""Faults under load. After each test nothing that was acknowledged may be
missing, and after one round of garbage collection nothing may be stray. In
the end no log may hold a secret.

STAGING_FAULTS=long makes the rounds that take hours."""

import os
import shutil
import time

import pytest

from audit import Audit
from load import Load
from s3_proxy import S3Proxy
from stack import Server, StackError, leave_root, wanted_stores

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


UNDER_WAY = """
SELECT row_to_json(upload) FROM upload WHERE status = 'pending'
UNION ALL SELECT row_to_json(object) FROM object
WHERE state NOT IN ('stored', 'deleting')
UNION ALL SELECT row_to_json(job) FROM job
"""


def is_long():
    return os.environ.get("STAGING_FAULTS") == "long"


@pytest.fixture(scope="session")
def rounds():
    """rounds(short, long): which of both this run makes."""
    return lambda short, long: long if is_long() else short


@pytest.fixture(scope="session", name="server")
def running_server(request):
    try:
        server = Server(wanted_stores(), S3Proxy)
    except StackError as error:
        pytest.exit(str(error), returncode=1)
    try:
        server.start(lean=CHILDREN)
    except (StackError, AssertionError) as error:
        server.stop()
        pytest.exit(f"{error}\nlogs: {server.logs}", returncode=1)
    yield server
    secrets = server.find_secrets()
    server.stop()
    assert not secrets
    if request.session.testsfailed:
        print(f"\nlogs: {server.logs}")
    else:
        shutil.rmtree(server.dir, ignore_errors=True)


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


@pytest.fixture(name="audit")
def audit_of_effects(server):
    with Audit(server) as audit:
        yield audit


def settle(server):
    """What was begun is ended without help; after one round of garbage
    collection everything agrees."""
    server.let_leases_of_the_dead_run_out()
    end = time.monotonic() + 90
    while left := server.sql(UNDER_WAY):
        assert time.monotonic() < end, "\n".join(map(str, left))
        time.sleep(0.1)
    server.ctl("gc")
    server.wait(lambda: not unsettled(server))
    check = server.ctl("check", "--deep", check=False)
    assert check.returncode == 0, check.stdout + check.stderr


def unsettled(server):
    """Objects that are neither whole nor about to be."""
    return server.sql("SELECT id, state, receiver, claimed FROM object "
                      "WHERE state IN ('receiving', 'deleting')")
