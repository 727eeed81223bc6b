# SPDX-License-Identifier: Apache-2.0
"""One server for all tests of a run, and what has to be so behind each."""

import contextlib
import shutil

import pytest
import requests

from stack import Server, StackError


@contextlib.contextmanager
def running(request, stores, *more, lean=lambda server: None, build=None):
    """lean(server) ends a lean configuration; build is another than that of
    the run. Logs stay if a test has failed."""
    failed = request.session.testsfailed
    try:
        server = Server(stores, *more)
        server.build = build or server.build
    except StackError as error:
        pytest.exit(str(error), returncode=1)
    try:
        server.start(lean=lean(server))
    except (StackError, AssertionError) as error:
        server.stop()
        pytest.exit(f"{error}\nlogs: {server.logs}", returncode=1)
    is_good = False
    try:
        yield server
        is_good = request.session.testsfailed == failed
    finally:
        server.stop()
        if is_good:
            shutil.rmtree(server.dir, ignore_errors=True)
        else:
            print(f"\nlogs: {server.logs}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """What fails shows what the server has said of late: the folder of the
    logs may be out of reach. A hook of each conftest that imports it."""
    report = (yield).get_result()
    server = item.funcargs.get("server")
    if report.failed and server:
        report.sections.append(("error log", "\n".join(server.log.recent())))


@contextlib.contextmanager
def clean_log(server):
    """Nothing above notice that was not announced."""
    server.log.complaints()
    yield
    complaints = server.log.complaints()
    assert not complaints, "\n".join(complaints)


@contextlib.contextmanager
def without_database(server):
    """Its server is stopped as long as this lasts."""
    server.log.allow("DB_DOWN|database|mod_dbd|dbd:error|AH0062|AH0063")
    server.stop_database()
    try:
        yield
    finally:
        server.start_database()
        server.wait(lambda: requests.get(
            server.url + "/ready", timeout=5).status_code == 200)
        server.log.fresh()


@contextlib.contextmanager
def standby(server):
    """What a database is between a fail-over and its promotion: as long as
    this lasts it only reads."""
    try:
        set_read_only(server, "on")
        yield
    finally:
        set_read_only(server, "off")


def set_read_only(server, value):
    """For all connections, which hear of it at the same moment."""
    server.sql(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
    server.sql("SELECT pg_reload_conf()")
    server.wait(lambda: server.sql(
        "SHOW default_transaction_read_only") == [(value,)])


def nothing_is_left_behind(server):
    """Rows and bytes agree to the last byte, and no log holds a secret."""
    server.ctl("gc")
    check = server.ctl("check", "--deep", check=False)
    assert check.returncode == 0, check.stdout + check.stderr
    assert not (found := server.find_secrets()), found
