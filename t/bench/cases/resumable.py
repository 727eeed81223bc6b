# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads by tus: a large one, a long row of small requests, and
memory. Ours computes three digests, and each offset that it tells is durable;
peers compute none, and sync nothing. They keep their files on the same disk,
and their objects in the same radosgw. One client serves all; an upload of ours
ends when it can be downloaded."""

import functools
import json
import os
import time

import requests

from cases import memory
from cases.forms import make_file
from measure import Absent, Readings, Result, speed_of
from stack import StackError
from tus_client import OCTETS, TusClient
from tus_peers import all_peers

ROUNDS = 3
KIB64 = 64 << 10
POLL = 0.005


def settle(stack, upload):
    """Until it is a success: its last part may be put in place by a job."""
    while True:
        entry = requests.get(f"{stack.url}/upload/{upload}",
                             headers=stack.auth, timeout=60).json()
        if entry["status"] != "pending":
            break
        time.sleep(POLL)
    if entry["status"] != "success":
        raise StackError(f"the upload failed: {entry}")


def contest(bench, ours, folder, work):
    """Readings of ours and of the peers that are there, and the names of the
    others. ours: name -> function that returns a speed; work(url) is what
    peers are to do: the path of an upload, which is removed, and a speed."""
    stack = bench.stack
    contestants, absent, running, made = dict(ours), [], [], []

    def take_turn(peer):
        upload, speed = work(peer.url)
        made.append((peer, upload))
        return speed

    def forget():
        while made:
            peer, upload = made.pop()
            peer.forget(upload)
        stack.forget_uploads()

    for peer in all_peers(stack):
        if not peer.is_there():
            absent.append(peer.name)
            continue
        running.append(peer)
        peer.start(folder and folder / peer.name)
        contestants[peer.name] = functools.partial(take_turn, peer)
    try:
        readings = Readings.take(contestants, bench.rounds(ROUNDS), forget)
    finally:
        for peer in running:
            peer.stop()
    return readings, absent


def against_peers(readings, absent, title, targets, **more):
    """A line for each peer, and for each that is not there."""
    for name, target in targets.items():
        if name in absent:
            yield Absent(f"{title}/{name}")
        else:
            yield readings.against(f"{title}/{name}", name, target, **more)


# --- a large one --------------------------------------------------------------

def upload_by_patch(bench, url):
    """(path of the upload, MB/s)"""
    path = make_file(bench)
    began = time.monotonic()
    with TusClient(url, bench.stack.key) as client:
        upload = client.upload(path)
    return upload, bench.large / 1e6 / (time.monotonic() - began)


def stage_by_patch(bench, location):
    """MB/s"""
    stack = bench.stack

    def stage():
        upload, _speed = upload_by_patch(bench, stack.url + location)
        settle(stack, upload.rsplit("/", 1)[1])

    return speed_of(bench.large, stage)


def stage_by_form(bench, location):
    """MB/s"""
    stack = bench.stack

    def stage():
        with TusClient(stack.url + location, stack.key) as client:
            answer = client.form(make_file(bench))
        settle(stack, json.loads(answer)["id"])

    return speed_of(bench.large, stage)


def patch_2g_file(bench):
    """On the disk of the temporary folder."""
    make_file(bench)
    readings, absent = contest(
        bench, {"ours": lambda: stage_by_patch(bench, "/resumable"),
                "form": lambda: stage_by_form(bench, "/three")},
        bench.stack.dir, functools.partial(upload_by_patch, bench))
    yield readings.against("patch_2g_file/form", "form", .9)
    yield from against_peers(readings, absent, "patch_2g_file",
                             {"tusd": None, "tus-node": None})


def patch_2g_s3(bench):
    make_file(bench)
    readings, absent = contest(
        bench, {"ours": lambda: stage_by_patch(bench, "/resumable-s3")},
        None, functools.partial(upload_by_patch, bench))
    yield from against_peers(readings, absent, "patch_2g_s3",
                             {"tusd": 1.2, "tus-node": 1.5})


# --- many small requests ------------------------------------------------------

def row_of_patches(bench, url):
    """(path of the upload, requests a second), one after the other, on one
    connection."""
    count = bench.size(1000, 50)
    body = os.urandom(KIB64)
    with TusClient(url, bench.stack.key) as client:
        upload = client.create(count * KIB64)
        began = time.monotonic()
        for number in range(count):
            client.patch(upload, number * KIB64, body)
        return upload, count / (time.monotonic() - began)


def patches_64k(bench):
    """Files, on the disk of the temporary folder."""
    url = bench.stack.url + "/resumable"
    readings, absent = contest(
        bench, {"ours": lambda: row_of_patches(bench, url)[1]},
        bench.stack.dir, functools.partial(row_of_patches, bench))
    yield from against_peers(readings, absent, "patches_64k",
                             {"tusd": 1.5, "tus-node": None}, unit="1/s")


# --- memory -------------------------------------------------------------------

class Patch(memory.Body):
    """A whole upload in one PATCH."""

    status = 204

    def __init__(self, stack, location, size):
        with TusClient(stack.url + location, stack.key) as client:
            upload = client.create(size)
        super().__init__(stack, size, "PATCH", upload, size,
                         "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                         + OCTETS)


def rss_patch_10g_vs_100m(bench):
    make = functools.partial(Patch, bench.stack, "/resumable")
    small = memory.peak_of_one(bench.stack, make,
                               bench.size(100, 10) * memory.MIB)
    large = memory.peak_of_one(bench.stack, make,
                               bench.size(10240, 50) * memory.MIB)
    yield Result("rss_patch_10g_vs_100m", large, small, "MiB", large - small,
                 1, True)


def rss_100_patches(bench):
    """MiB for each upload; with S3 beside the cap for parts."""
    for name, location, cap in (("file", "/resumable", 0),
                                ("s3", "/resumable-s3", memory.PART_MEMORY)):
        before, most = memory.growth_by_100(
            bench, functools.partial(Patch, bench.stack, location))
        yield Result(f"rss_100_patches/{name}", most, before, "MiB",
                     max(0, most - before - cap) / memory.UPLOADS, 2, True)
