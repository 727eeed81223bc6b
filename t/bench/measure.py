# SPDX-License-Identifier: Apache-2.0
"""Readings that can be compared although the machine is not steady: those
who are compared take turns, each between two readings of openssl's MD5, and
what is reported are ratios of medians of speeds divided by these readings."""

import json
import re
import statistics
import subprocess
import time
from dataclasses import asdict, dataclass


def md5_speed():
    """MB/s of one core."""
    text = subprocess.run(
        ["openssl", "speed", "-seconds", "1", "-bytes", "16384", "-evp",
         "md5"], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"^md5\s+([\d.]+)k", text, re.M | re.I)[1]) / 1000


@dataclass
class Result:
    """One line. A target is a least ratio, or a most where is_most."""
    name: str
    ours: float
    other: float
    unit: str
    ratio: float
    target: float
    is_most: bool = False

    @property
    def met(self):
        if self.target is None:
            return None
        return (self.ratio <= self.target if self.is_most
                else self.ratio >= self.target)

    def json(self):
        return json.dumps({**asdict(self), "met": self.met})

    def line(self):
        target = "" if self.target is None else \
            f"{'<=' if self.is_most else '>='} {self.target:g}"
        met = {None: "", True: "met", False: "MISSED"}[self.met]
        return (f"{self.name:40} {self.ours:10.2f} {self.other:10.2f} "
                f"{self.unit:6} {self.ratio:8.2f} {target:>8} {met}").rstrip()


@dataclass
class Absent:
    """One that is to be compared, and cannot be had here."""
    name: str

    def json(self):
        return json.dumps({"name": self.name, "absent": True})

    def line(self):
        return f"{self.name:40} not measured: the peer is not installed"


HEADER = (f"{'name':40} {'ours':>10} {'other':>10} {'unit':6} {'ratio':>8} "
          f"{'target':>8}")


class Readings:
    """Speeds of contestants who take turns."""

    def __init__(self):
        self.md5 = []
        self.speeds = {}
        self.relative = {}

    @classmethod
    def take(cls, contestants, rounds, between=lambda: None):
        """contestants: name -> function that returns a speed."""
        readings = cls()
        for _ in range(rounds):
            for name, contestant in contestants.items():
                before = md5_speed()
                speed = contestant()
                after = md5_speed()
                between()
                md5 = (before + after) / 2
                readings.md5.append(md5)
                readings.speeds.setdefault(name, []).append(speed)
                readings.relative.setdefault(name, []).append(speed / md5)
        return readings

    def speed(self, name):
        return statistics.median(self.speeds[name])

    def part_of_md5(self, name):
        return statistics.median(self.relative[name])

    def against_md5(self, title, ours, target):
        return Result(title, self.speed(ours), statistics.median(self.md5),
                      "MB/s", self.part_of_md5(ours), target)

    def against(self, title, other, target, *, ours="ours", unit="MB/s"):
        ratio = self.part_of_md5(ours) / self.part_of_md5(other)
        return Result(title, self.speed(ours), self.speed(other), unit, ratio,
                      target)


def speed_of(size, work, *arguments):
    """MB/s of a function that moves size bytes."""
    began = time.monotonic()
    work(*arguments)
    return size / 1e6 / (time.monotonic() - began)
