# SPDX-License-Identifier: Apache-2.0
"""Everything at once, for SOAK_MINUTES (make soak): nothing may grow once it
is warm. With SOAK_RESTARTS=n there is a graceful restart every n minutes, and
only what outlives one is looked at."""

import contextlib
import os
import random
import statistics
import threading
import time
from pathlib import Path

import boto3
import requests

import wire
from conftest import CHILDREN
from load import KIB, MIB, Load

MINUTES = float(os.environ.get("SOAK_MINUTES") or 20)
RESTARTS = float(os.environ.get("SOAK_RESTARTS") or 0)
WARM = 0.3      # of the time; then it is measured
WINDOWS = 20    # of each the least value counts: peaks are no growth

# Children that stay: what they leak is not taken away with them.
STEADY = """
StartServers 2
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
MinSpareThreads 1
MaxSpareThreads 32
MaxConnectionsPerChild 0
StagingPartMemory 24M
"""
BRIEF = """
<Location "/brief">
    SetHandler staging-uploads
    StagingRetention 5s
</Location>
"""

# What is measured: (of children, how much it may grow). What grows by more is a
# leak: 10 MiB in an hour of 50 requests a second are 58 bytes of each. What
# the load itself holds at a moment varies by less.
BOUNDS = {
    "memory of children, MiB": (True, 10),
    "memory of the parent, MiB": (False, 2),
    "descriptors of children": (True, 20),
    "descriptors of the parent": (False, 1),
    "threads of children": (True, 2),
    "database connections": (True, 4),
    "temporary files": (False, 2),
    "unfinished parts in S3": (False, 4),
    "files in the store": (False, 120),
    "rows in job": (False, 4),
    "rows in node": (False, 1),
    "rows in object": (False, 250),
    "rows in upload": (False, 250),
    "size of the tables, MiB": (False, 4),
}


class Rest(Load):
    """What a Load leaves out: aborted clients, bad input, uploads that
    expire, downloads in part."""

    def __init__(self, server, bearer, load):
        super().__init__(server, bearer, threads=3, timeout=30)
        self.load = load

    def _stage_on(self, seed):
        dice = random.Random(seed)
        deeds = [self._abort, self._spoil, self._expire, self._fetch,
                 self._look]
        while not self._stop.wait(dice.uniform(0, 0.1)):
            with contextlib.suppress(OSError):
                dice.choice(deeds)(dice)

    def _abort(self, dice):
        """Go away in mid-body."""
        connection = self.server.connect()
        connection.request("POST", "/brief?filename=aborted.bin", {
            **self._headers, "Content-Length": 9 * MIB})
        connection.send(self._blob[:dice.randrange(7 * MIB)])
        connection.reset()

    def _spoil(self, dice):
        body, form = wire.form(("file", b"x" * dice.randrange(MIB), "x"))
        headers, query, body = dice.choice([
            ({"Authorization": "Bearer stg_nobody"}, "", body),
            ({"Content-Type": form}, "", body[:-30]),
            ({"Content-Type": form, "Repr-Digest": "sha-256=:AAAA:"}, "",
             body),
            ({"Content-Type": form, "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="},
             "", body),
            ({"Content-Type": "multipart/form-data"}, "", body),
            ({}, "?filename=%00&label=%ff", body)])
        self._ask(dice, "POST", "/brief" + query, data=body, headers=headers)
        self._ask(dice, "GET", "/brief/no-such-id/data?limit=x")

    def _expire(self, dice):
        self._ask(dice, "POST", "/brief?filename=brief.bin",
                  data=self._blob[:dice.choice((10, 40 * KIB, MIB))])

    def _fetch(self, dice):
        """A part of what the other load was promised."""
        promised = list(self.load.promised.items())
        if not promised:
            return
        upload, promise = dice.choice(promised)
        first = dice.randrange(promise.size)
        requests.get(f"{self.server.url}{promise.path}/{upload}/data",
                     timeout=60, headers={**self._headers, "Range":
                                          f"bytes={first}-{first + MIB}"})

    def _look(self, dice):
        for path in ("/health", "/ready", "/metrics", "/nowhere"):
            self._ask(dice, "GET", path)


def status(pid, field):
    """Of /proc/PID/status, a number."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def memory(pid):
    """Its share of what is resident, in MiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Samples:
    """What is measured, over and over."""

    def __init__(self, server):
        self.server = server
        self.times = []
        self.values = {name: [] for name, (is_of_children, _most)
                       in BOUNDS.items() if not (RESTARTS and is_of_children)}
        self.bucket = server.s3 and boto3.client(
            "s3", endpoint_url=server.s3["STAGING_S3_ENDPOINT"],
            aws_access_key_id=server.s3["STAGING_S3_ACCESS_KEY"],
            aws_secret_access_key=server.s3["STAGING_S3_SECRET_KEY"],
            region_name="us-east-1")

    def take(self):
        now = self.measure()
        self.times.append(time.monotonic())
        for name, values in self.values.items():
            values.append(now[name])

    def measure(self):
        node, files = self.server.node, self.server.dir / "file"
        parent, children = node.pid(), []
        if not RESTARTS:
            children = sorted(node.children())
        tables = ("job", "node", "object", "upload")
        return {
            "memory of children, MiB": sum(map(memory, children)),
            "memory of the parent, MiB": memory(parent),
            "descriptors of children": sum(map(descriptors, children)),
            "descriptors of the parent": descriptors(parent),
            "threads of children":
                sum(status(pid, "Threads") for pid in children),
            "database connections": self.sql(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database()"),
            "temporary files": len(list((files / "tmp").iterdir())),
            "unfinished parts in S3": self.unfinished(),
            "files in the store": sum(
                len(names) for *_, names in os.walk(files / "objects")),
            **{f"rows in {name}": self.sql(f"SELECT count(*) FROM {name}")
               for name in tables},
            "size of the tables, MiB": sum(self.sql(
                f"SELECT pg_total_relation_size('{name}')")
                for name in tables) / MIB,
        }

    def sql(self, statement):
        return int(self.server.sql(statement)[0][0])

    def unfinished(self):
        if not self.bucket:
            return 0
        return len(self.bucket.list_multipart_uploads(
            Bucket=self.server.s3["STAGING_S3_BUCKET"]).get("Uploads", []))

    def warm(self, values):
        """(minutes, least value) of each window after the warm-up."""
        begin = len(values) * WARM
        size = (len(values) - begin) / WINDOWS
        for i in range(WINDOWS):
            window = slice(round(begin + i * size),
                           round(begin + (i + 1) * size))
            yield self.times[window.start] / 60, min(values[window])

    def growths(self):
        """{name: growth} along the line that fits best; prints a table."""
        found = {}
        print(f"\n{'after the warm-up':28}{'first':>9}{'least':>9}{'most':>9}"
              f"{'last':>9}{'growth':>9}{'bound':>7}")
        for name, values in self.values.items():
            minutes, least = zip(*self.warm(values))
            line = statistics.linear_regression(minutes, least)
            found[name] = line.slope * (minutes[-1] - minutes[0])
            warm = values[round(len(values) * WARM):]
            print(f"{name:28}" + "".join(f"{value:9.1f}" for value in (
                warm[0], min(warm), max(warm), warm[-1], found[name]))
                + f"{BOUNDS[name][1]:7}")
        return found


def soak(server, samples):
    """Sample until the time is over, and restart when it is time to."""
    begun = time.monotonic()
    pause = min(max(MINUTES * 60 / 400, 1), 60)
    restarted = begun
    while time.monotonic() < begun + MINUTES * 60:
        samples.take()
        if RESTARTS and time.monotonic() > restarted + RESTARTS * 60:
            server.node.graceful()
            restarted = time.monotonic()
        threading.Event().wait(pause)


def test_nothing_grows(server, load, key):
    server.node.stop()
    server.node.start(server.conf_with(
        BRIEF + (CHILDREN if RESTARTS else STEADY)))
    samples = Samples(server)
    children = server.node.children()
    with load() as clients, Rest(server, key, clients) as rest:
        soak(server, samples)
    print(dict(rest.answers))
    growths = samples.growths()
    assert not clients.failures()
    assert RESTARTS or server.node.children() == children
    grown = {name: growth for name, growth in growths.items()
             if growth > BOUNDS[name][1]}
    assert not grown
