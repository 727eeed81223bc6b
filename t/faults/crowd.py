# SPDX-License-Identifier: Apache-2.0
"""Threads that do something while a test does something else."""

import threading


class Crowd:
    """While it is entered, every task that was added runs in a thread of its
    own, and ends soon after _stop is set."""

    def __init__(self):
        self._stop = threading.Event()
        self._threads = []

    def _add(self, task, *arguments):
        self._threads.append(threading.Thread(target=task, args=arguments))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error):
        self._stop.set()
        for thread in self._threads:
            thread.join()
