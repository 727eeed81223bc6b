# SPDX-License-Identifier: Apache-2.0
"""One instance for the whole run; after every test its error log is looked
at, after every file whether rows, bytes and logs are as they should be."""

import os
import shutil

import pytest

from clients import Client
from stack import Server, StackError, leave_root, wanted_stores

leave_root()


def pytest_generate_tests(metafunc):
    if "store_path" in metafunc.fixturenames:
        paths = {"file": "/upload", "s3": "/s3"}
        stores = os.environ.get("STAGING_TEST_STORES", "file s3").split()
        metafunc.parametrize("store_path", [paths[name] for name in stores],
                             ids=stores)


@pytest.fixture(scope="session", name="server")
def running_server(request):
    try:
        server = Server(wanted_stores())
    except StackError as error:
        pytest.exit(str(error), returncode=1)
    try:
        server.start()
    except (StackError, AssertionError) as error:
        server.stop()
        pytest.exit(f"{error}\nlogs: {server.logs}", returncode=1)
    yield server
    server.stop()
    if request.session.testsfailed:
        print(f"\nlogs: {server.logs}")
    else:
        shutil.rmtree(server.dir, ignore_errors=True)


@pytest.fixture(autouse=True)
def error_log_is_clean(request):
    """Every test: nothing above notice that it did not announce."""
    if "server" not in request.fixturenames:
        yield
        return
    server = request.getfixturevalue("server")
    server.log.complaints()
    if server.proxy:
        # Tests take that store down; background work meets it at any time.
        server.log.allow("background work: STORE_(DOWN|FAILED).*"
                         f"127.0.0.1:{server.proxy.port}/")
    yield
    complaints = server.log.complaints()
    assert not complaints, "\n".join(complaints)


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_behind(request):
    """Every file: rows and bytes agree to the last byte, and no log holds a
    secret."""
    yield
    names = set()
    for item in request.session.items:
        if item.module is request.module:
            names |= set(item.fixturenames)
    if "server" not in names:
        return
    server = request.getfixturevalue("server")
    server.ctl("gc")
    check = server.ctl("check", "--deep", check=False)
    assert check.returncode == 0, check.stdout + check.stderr
    assert not server.find_secrets()


@pytest.fixture(scope="session", name="alice_key")
def key_of_alice(server):
    return server.key("alice")


@pytest.fixture(scope="session", name="bob_key")
def key_of_bob(server):
    return server.key("bob")


@pytest.fixture(name="alice")
def client_alice(server, alice_key):
    return Client(server, "/upload", alice_key)


@pytest.fixture(name="bob")
def client_bob(server, bob_key):
    return Client(server, "/upload", bob_key)


@pytest.fixture(name="stager")
def client_of_store(server, alice_key, store_path):
    """Alice at the location of each store in turn."""
    return Client(server, store_path, alice_key)


@pytest.fixture(name="s3")
def client_s3(server, alice_key):
    if not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    return Client(server, "/s3", alice_key)


@pytest.fixture(name="frail")
def client_frail(server, s3):
    """At a store behind a proxy that can be told to fail."""
    yield s3.at("/frail")
    server.proxy.up()
    server.log.allow("not ready: store")
    server.wait(lambda: Client(server, "/ready").request(
        "GET").status_code == 200, 30)


@pytest.fixture(name="patient")
def client_patient(frail):
    """The same, with the usual timeouts."""
    return frail.at("/patient")


@pytest.fixture(name="fresh")
def client_fresh(server):
    """Somebody who has nothing yet."""
    fresh = f"fresh{len(server.accounts)}"
    return Client(server, "/upload", server.key(fresh))


@pytest.fixture(name="anybody")
def client_without(server):
    return Client(server, "/upload")


@pytest.fixture(name="iam")
def iam_as_new(server):
    """The stand-in IAM, with no faults left from another test."""
    iam = server.iam
    iam.fail(None)
    iam.add_resource()
    iam.forget_requests()
    yield iam
    iam.fail(None)
    iam.add_resource()
