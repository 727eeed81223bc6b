# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads by programs that nobody here wrote: tus-js-client, Uppy,
tuspy, and curl for the draft.

STAGING_SIZES=long sends 5 GiB where a run of all tests sends less."""

import contextlib
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import wire
from files import MIB

IS_LONG = os.environ.get("STAGING_SIZES") == "long"
PATIENT = {"retryDelays": [100, 200, 500, 1000, 2000, 5000, 5000]}
npm = pytest.mark.needs("npm")
pip = pytest.mark.needs("pip")


# --- whole ----------------------------------------------------------------------

@npm
@pytest.mark.parametrize("options", [
    {}, {"chunkSize": 5 * MIB}, {"uploadDataDuringCreation": True},
    {"overridePatchMethod": True, "chunkSize": 10 * MIB},
    {"parallelUploads": 4}], ids=str)
@pytest.mark.parametrize("kind", ["tus", "uppy"])
def test_tus_js_client_and_uppy_upload(file, kind, options):
    assert file.has_arrived(file.node(kind, **options)["url"])


@npm
def test_tus_js_client_uploads_what_has_no_length_yet(file):
    told = file.node(uploadLengthDeferred=True, chunkSize=7 * MIB)
    assert file.has_arrived(told["url"])


@npm
def test_tus_js_client_uploads_by_the_draft(file):
    told = file.node(protocol="ietf-draft-05")
    assert file.has_arrived(told["url"], is_named=False)


@pip
def test_tuspy_uploads_with_checksums(file):
    url, began_at = file.tuspy()
    assert began_at == 0
    assert file.has_arrived(url)


def test_curl_uploads_by_the_draft(file):
    assert file.has_arrived(file.curl_uploads())


def test_curl_uploads_all_at_once_by_the_draft(file):
    status, headers = file.curl(
        "-X", "POST", "-H", "Upload-Complete: ?1", "-H",
        'Content-Disposition: inline; filename="sites.csv"', "-T", file.name,
        file.endpoint.rstrip("/"))  # else curl adds the name of the file
    assert (status // 100, headers["upload-complete"]) == (2, "?1")
    assert file.has_arrived(headers["location"])


# --- large ----------------------------------------------------------------------

@pytest.mark.parametrize("client", [
    pytest.param("tus-js-client", marks=npm), "curl"])
def test_as_large_as_five_gibibytes(file, client):
    file.fill((5 << 30) + 12345 if IS_LONG else 160 * MIB + 12345)
    began = time.monotonic()
    upload = file.node(timeout=1800)["url"] if client == "tus-js-client" \
        else file.curl_uploads()
    print(f"{client}, {file.path}: {file.size} bytes in "
          f"{time.monotonic() - began:.1f} s")
    assert file.has_arrived(upload)


# --- resumed --------------------------------------------------------------------

@npm
@pytest.mark.parametrize("options", [{}, {"chunkSize": 4 * MIB},
                                     {"parallelUploads": 3}], ids=str)
@pytest.mark.parametrize("kind", ["tus", "uppy"])
def test_another_process_goes_on(file, kind, options):
    options = {**options, "storage": str(file.folder / "urls.json")}
    with file.slow_link():
        file.node(kind, killAfter=12 * MIB, is_killed=True, **options)
        told = file.node(kind, **options)
    method, status, offset = told["requests"][0]
    assert (method, status) == ("HEAD", 200)
    assert 0 < offset < file.size
    assert file.has_arrived(told["url"])


@pip
def test_another_process_of_tuspy_goes_on(file):
    url, _ = file.tuspy(stop_at=20 * MIB)
    again, began_at = file.tuspy()
    assert (again, began_at) == (url, 20 * MIB)
    assert file.has_arrived(url)


def test_another_process_of_curl_goes_on(file):
    upload = file.curl_creates()
    with pytest.raises(subprocess.TimeoutExpired):
        file.curl_appends(upload, 0, "--limit-rate", "8M", timeout=2)
    at = file.curl_asks(upload)
    assert 0 < at < file.size
    status, headers = file.curl_appends(upload, at)
    assert (status // 100, headers["upload-complete"]) == (2, "?1")
    assert file.has_arrived(upload)


# --- through trouble ------------------------------------------------------------

@contextlib.contextmanager
def until_over(work, pause):
    """Do this again and again; how often is in [0]."""
    is_over = threading.Event()
    count = [0]

    def again():
        while not is_over.wait(pause):
            count[0] += bool(work())

    with ThreadPoolExecutor() as pool:
        end = pool.submit(again)
        try:
            yield count
        finally:
            is_over.set()
            end.result()


@contextlib.contextmanager
def a_link_that_is_cut(file):
    """Whenever six MiB have passed it."""
    proxy = wire.Proxy(file.server.port)
    file.port = proxy.port

    def cut():
        if proxy.bytes_left is not None:
            return False
        proxy.cut_after(6 * MIB, for_good=False)
        return True

    with until_over(cut, 0.01) as count:
        yield
    proxy.stop()
    assert count[0] > 4


@contextlib.contextmanager
def graceful_restarts(file):
    """While bytes come slowly enough to meet some."""
    proxy = wire.Proxy(file.server.port)
    proxy.bytes_per_second = 12 * MIB
    file.port = proxy.port
    with until_over(lambda: file.server.node.graceful() or True,
                    0.7) as count:
        yield
    proxy.stop()
    time.sleep(1)
    assert count[0] > 1


@contextlib.contextmanager
def two_nodes(file):
    """That get every second request each."""
    with file.server.another_node() as node:
        proxy = wire.Proxy(file.server.port, node.port)
        file.port = proxy.port
        yield
        proxy.stop()


CLIENTS = {
    "tus-js-client": lambda file: file.node(**PATIENT),
    "tus-js-client in chunks":
        lambda file: file.node(chunkSize=2 * MIB, **PATIENT),
    "tus-js-client in parallel":
        lambda file: file.node(parallelUploads=3, **PATIENT),
    "Uppy": lambda file: file.node("uppy", **PATIENT),
    "Uppy in chunks":
        lambda file: file.node("uppy", chunkSize=2 * MIB, **PATIENT),
    "tuspy": lambda file: {"url": file.tuspy()[0]},
    "curl": lambda file: {"url": file.curl_uploads()},
}


@pytest.mark.parametrize("client", [
    pytest.param(name, marks=[] if name == "curl" else pip
                 if name == "tuspy" else npm) for name in CLIENTS])
@pytest.mark.parametrize("trouble", [a_link_that_is_cut, graceful_restarts,
                                     two_nodes],
                         ids=lambda trouble: trouble.__name__)
def test_clients_get_through(file, trouble, client):
    with trouble(file):
        told = CLIENTS[client](file)
    assert file.has_arrived(told["url"])


@npm
@pytest.mark.parametrize("trouble", [a_link_that_is_cut, graceful_restarts,
                                     two_nodes],
                         ids=lambda trouble: trouble.__name__)
def test_tus_js_client_gets_through_by_the_draft(file, trouble):
    with trouble(file):
        told = file.node(protocol="ietf-draft-05", **PATIENT)
    assert file.has_arrived(told["url"], is_named=False)
