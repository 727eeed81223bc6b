# SPDX-License-Identifier: Apache-2.0
"""One instance for the whole run; after every test its error log is looked
at, after every file whether rows, bytes and logs are as they should be."""

import os

import pytest

from clients import Client
from resumable import Draft, Tus
from running import (clean_log, nothing_is_left_behind,
                     pytest_runtest_makereport, running, without_database)
from stack import leave_root, wanted_stores

leave_root()


def pytest_generate_tests(metafunc):
    if "store_path" in metafunc.fixturenames:
        paths = {"file": "/upload", "s3": "/s3"}
        stores = os.environ.get("STAGING_TEST_STORES", "file s3").split()
        metafunc.parametrize("store_path", [paths[name] for name in stores],
                             ids=stores)


@pytest.fixture(scope="session", name="server")
def running_server(request):
    with running(request, wanted_stores()) as server:
        yield server


@pytest.fixture(autouse=True)
def error_log_is_clean(request):
    """After every test."""
    if "server" not in request.fixturenames:
        yield
        return
    server = request.getfixturevalue("server")
    with clean_log(server):
        if server.proxy:
            # Tests take that store down; background work meets it any time.
            server.log.allow("background work: STORE_(DOWN|FAILED).*"
                             f"127.0.0.1:{server.proxy.port}/")
        yield


@pytest.fixture(scope="module", autouse=True)
def every_file_leaves_nothing_behind(request):
    yield
    names = set()
    for item in request.session.items:
        if item.module is request.module:
            names |= set(item.fixturenames)
    if "server" in names:
        nothing_is_left_behind(request.getfixturevalue("server"))


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


RESUMABLE = {"/upload": "/resumable", "/s3": "/resumable-s3"}


@pytest.fixture(name="tus")
def tus_of_store(server, alice_key, store_path):
    """Alice, speaking tus, at the location of each store in turn."""
    return Tus(server, RESUMABLE[store_path], alice_key)


@pytest.fixture(name="draft")
def draft_of_store(server, alice_key, store_path):
    """The same of the IETF draft."""
    return Draft(server, RESUMABLE[store_path], alice_key)


@pytest.fixture(name="any_tus")
def tus_of_any_store(server, alice_key):
    """For what no store has to do with."""
    return Tus(server, "/resumable", alice_key)


@pytest.fixture(name="small")
def tus_of_small_uploads(any_tus):
    """Where nothing may have more than 1,000 bytes."""
    return any_tus.but(path="/resumable-small")


@pytest.fixture(name="any_draft")
def draft_of_any_store(server, alice_key):
    return Draft(server, "/resumable", alice_key)


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
        "GET").status_code == 200)


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


@pytest.fixture(name="database_down")
def database_away(server):
    with without_database(server):
        yield


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
