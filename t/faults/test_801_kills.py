# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment."""

import contextlib
import os
import random
import re
import signal
import subprocess
import time

import pytest
import requests

from slow import SlowUpload

GAUGES = re.compile(
    r"^staging_(?:parts_memory_bytes|uploads_in_flight) (\d+)$", re.M)


def kill_a_child(server):
    """If all have just died, httpd has none for a second."""
    child = random.choice(sorted(server.wait(server.node.children)))
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def test_killed_children_lose_nothing(server, load, rounds):
    server.log.allow("exit signal Killed")
    with load():
        for _ in range(rounds(20, 1000)):
            time.sleep(random.uniform(0.05, 0.8))
            kill_a_child(server)


def test_what_a_killed_child_held_is_held_by_nobody(server, key):
    if not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    with SlowUpload(server.node, key, 2, "/s3") as slow:
        server.wait(lambda: all(held(server)))
        for pid in slow.receiver():
            os.kill(pid, signal.SIGKILL)
        server.wait(lambda: slow.outcomes)
    assert isinstance(slow.outcomes[0], OSError)
    server.wait(lambda: not any(held(server)))


def held(server):
    """(bytes, uploads), as the metrics have them."""
    text = requests.get(server.url + "/metrics", timeout=20).text
    return [int(value) for value in GAUGES.findall(text)]


def test_killed_workers_and_collectors_lose_nothing(server, load, rounds):
    with load():
        for _ in range(rounds(10, 200)):
            with helpers(server):
                time.sleep(random.uniform(0.05, 1))


def test_everybody_killed_at_once_loses_nothing(server, load, rounds):
    node = server.node
    with load():
        for _ in range(rounds(3, 50)):
            with helpers(server):
                time.sleep(random.uniform(1, 3))
                node.kill()
            node.start(node.conf.read_text())
    # The jobs of the dead become others' by themselves.
    server.wait(lambda: not server.sql(
        "SELECT FROM object WHERE state = 'finishing'"), 60)


@contextlib.contextmanager
def helpers(server):
    """stagingctl gc and worker, killed in the end."""
    with contextlib.ExitStack() as stack:
        for words in (["gc"], ["worker", "--threads", "2"]):
            process = stack.enter_context(subprocess.Popen(
                [server.build / "stagingctl", "-c", server.stores_conf,
                 *words], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL))
            stack.callback(process.kill)
        yield
