# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment."""

import contextlib
import os
import random
import signal
import subprocess
import time


def test_killed_children_lose_nothing(server, load, rounds):
    server.log.allow("exit signal Killed")
    with load():
        for _ in range(rounds(20, 1000)):
            time.sleep(random.uniform(0.05, 0.8))
            os.kill(random.choice(sorted(server.node.children())),
                    signal.SIGKILL)


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
