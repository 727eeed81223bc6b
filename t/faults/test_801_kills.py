# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment."""

import os
import random
import signal
import time


def test_killed_children_lose_nothing(server, load, rounds):
    server.log.allow("exit signal Killed")
    with load():
        for _ in range(rounds(20, 1000)):
            time.sleep(random.uniform(0.05, 0.8))
            os.kill(random.choice(sorted(server.node.children())),
                    signal.SIGKILL)
