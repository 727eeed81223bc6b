# SPDX-License-Identifier: Apache-2.0
"""The dashboard of this build, served as conf/demo.conf.in serves it, on each
store; and somebody who walks through it with Chromium."""

import json
import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest

from browser import set_password
from clients import Client
from configuration import FOLDER
from running import (clean_log, nothing_is_left_behind,
                     pytest_runtest_makereport, running)
from stack import TOP, build_folder, leave_root

leave_root()

INSTALLED = Path(os.environ["STAGING_BROWSER"])
CHROMIUM = shutil.which("chromium")
STORES = os.environ.get("STAGING_TEST_STORES", "file s3").split()
ASSETS = next((folder for folder in (build_folder() / "htdocs/assets",
                                     TOP / "htdocs/assets")
               if folder.exists()), None)
IS_THERE = CHROMIUM and ASSETS and (INSTALLED / "installed").exists()
SITE = """
LoadModule headers_module {modules}/mod_headers.so
LoadModule dir_module {modules}/mod_dir.so
DirectoryIndex index.html
AddType text/html .html
AddType application/yaml .yaml
AddType text/css .css
AddType text/javascript .js
DocumentRoot "{pages}"
Alias "/assets" "{assets}"
{policy}
StagingSessions on
StagingUseStore {store}
StagingMaxUpload 4G
StagingQuota 6G
<Location "/session">
    SetHandler staging-session
</Location>
<Location "/operation">
    SetHandler staging-operation
</Location>
<VirtualHost 127.0.0.1:{known_port}>
    StagingAcceptUser on
    <Location "/">
        AuthType Basic
        AuthName "test"
        AuthUserFile "{folder}/passwords"
        AuthBasicProvider file
        Require valid-user
    </Location>
    <Location "/session">
        SetHandler staging-session
    </Location>
    <Location "/upload">
        SetHandler staging-uploads
    </Location>
    <Location "/resumable">
        SetHandler staging-resumable
    </Location>
</VirtualHost>
"""


def site(server, store):
    """Of httpd's configuration, what is about pages; the policy and what is
    compressed are as in the demo. At another port httpd itself asks who
    somebody is."""
    demo = (TOP / "conf/demo.conf.in").read_text()
    policy = re.search(r'DeflateAlterETag.*?</Directory>', demo, re.S)
    pages = TOP / "htdocs"
    return SITE.format(
        modules=FOLDER, pages=pages, assets=ASSETS, store=store,
        known_port=server.slow_port, folder=server.dir,
        policy="\n".join(policy.group().replace("@HTDOCS@", str(folder))
                         for folder in (pages, ASSETS)))


def pytest_collection_modifyitems(config, items):
    twice = [item for item in items if item.get_closest_marker("once")
             and item.callspec.params["server"] != STORES[0]]
    config.hook.pytest_deselected(items=twice)
    items[:] = [item for item in items if item not in twice]
    if not IS_THERE:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="without Chromium or npm"))


def pytest_terminal_summary(terminalreporter):
    """t/stack/run-tests shows this line."""
    if not IS_THERE:
        terminalreporter.write_line(
            "NOT TESTED: the dashboard, which needs chromium and what npm gets")


@pytest.fixture(scope="session", name="server", params=STORES)
def running_server(request):
    store = {"file": "main"}.get(request.param, request.param)
    with running(request, [request.param],
                 lean=lambda server: site(server, store)) as server:
        yield server
        nothing_is_left_behind(server)


@pytest.fixture(autouse=True)
def error_log_is_clean(server):
    with clean_log(server):
        yield


class Person:
    """An account with a password, and what it does with a browser."""

    def __init__(self, server, folder):
        self.server = server
        self.folder = folder
        self.name = "p" + secrets.token_hex(4)
        self.key = server.key(self.name)
        self.password = set_password(server, self.name,
                                     secrets.token_urlsafe(12))
        self.uploads = Client(server, "/upload", self.key)

    def walks(self, name, answer=None, timeout=300, **options):
        """What a walk has told. answer(told) does what it asks for."""
        options = {
            "chromium": CHROMIUM, "url": self.server.url, "name": self.name,
            "password": self.password, "folder": str(self.folder),
            "failed": str(self.server.logs / f"{name}.png"),
            "hosts": [self.server.iam.url,
                      *filter(None, [(self.server.s3 or {}).get(
                          "STAGING_S3_ENDPOINT")])],
            **options}
        walk = subprocess.Popen(
            ["node", "walk.mjs", name, json.dumps(options)], cwd=INSTALLED,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "HOME": str(self.folder)})
        told = {}
        try:
            for line in walk.stdout:
                told = json.loads(line)
                if "ask" in told:
                    answer(told)
                    walk.stdin.write("done\n")
                    walk.stdin.flush()
            walk.wait(timeout)
        finally:
            walk.kill()
            walk.wait()
        assert told.get("complaints") == [], told
        return told

    def file(self, name, size, seed=b"x"):
        """Of bytes that are nowhere alike, and of their own for each seed."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            for at in range(0, size, 1 << 20):
                piece = (seed + b"%d\n" % at).ljust(1 << 20, seed[:1])
                file.write(piece[:size - at])
        return path


@pytest.fixture(name="person")
def somebody(server, tmp_path):
    return Person(server, tmp_path)
