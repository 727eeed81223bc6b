# SPDX-License-Identifier: Apache-2.0
"""One instance for the whole run, as for t/http. Tests of a client that
t/clients/install could not get are skipped, and the end of the run says so."""

import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from files import File
from running import (clean_log, nothing_is_left_behind,
                     pytest_runtest_makereport, running)
from stack import leave_root, wanted_stores

leave_root()

INSTALLED = Path(os.environ["STAGING_CLIENTS"])
CHROMIUM = shutil.which("chromium")
NEEDS = {
    "npm": (INSTALLED / "with_npm.done").exists(),
    "pip": (INSTALLED / "with_pip.done").exists(),
    "chromium": CHROMIUM and (INSTALLED / "with_npm.done").exists(),
}
WITHOUT = {
    "npm": "tus-js-client and Uppy, which npm could not get",
    "pip": "tuspy, which pip could not get",
    "chromium": "pages in Chromium, which needs chromium and what npm gets",
}
OF_PAGES = """
<LocationMatch "^/resumable">
    StagingOrigins {origin}
</LocationMatch>
"""


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(what): which of NEEDS")


def pytest_collection_modifyitems(items):
    for item in items:
        for mark in item.iter_markers("needs"):
            if not NEEDS[mark.args[0]]:
                item.add_marker(pytest.mark.skip(
                    reason="without " + WITHOUT[mark.args[0]]))


def pytest_terminal_summary(terminalreporter):
    """t/stack/run-tests shows these lines."""
    for what, is_there in NEEDS.items():
        if not is_there:
            terminalreporter.write_line("NOT TESTED: " + WITHOUT[what])


def pytest_generate_tests(metafunc):
    if "path" in metafunc.fixturenames:
        paths = {"file": "/resumable", "s3": "/resumable-s3"}
        stores = os.environ.get("STAGING_TEST_STORES", "file s3").split()
        metafunc.parametrize("path", [paths[name] for name in stores],
                             ids=stores)


class Page(SimpleHTTPRequestHandler):
    """What t/clients/install has bundled."""

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="session", name="page")
def page_of_another_origin():
    """Its origin."""
    pages = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Page, directory=str(INSTALLED / "page")))
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{pages.server_port}"
    pages.shutdown()
    pages.server_close()


@pytest.fixture(scope="session", name="server")
def running_server(request, page):
    with running(request, wanted_stores(),
                 lean=lambda _server: OF_PAGES.format(origin=page)) as server:
        yield server
        nothing_is_left_behind(server)


@pytest.fixture(scope="session", name="key")
def key_of_alice(server):
    return server.key("alice")


@pytest.fixture(name="file")
def file_to_upload(server, key, tmp_path, path):
    file = File(server, key, tmp_path, path)
    yield file
    file.forget()


@pytest.fixture(autouse=True)
def error_log_is_clean(server):
    with clean_log(server):
        yield
