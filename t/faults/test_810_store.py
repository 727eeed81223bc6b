# SPDX-License-Identifier: Apache-2.0
"""A store that errs, lies, loses, is slow or gone. Each test is told by the
proxy before the store that the fault has struck."""

import contextlib
import os
import re
import signal
import subprocess
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import boto3
import pytest
import requests
from botocore.config import Config

from clients import Client
from load import KIB, MIB

SIZES = {100 * KIB: 10, MIB: 5, 6 * MIB: 3, 12 * MIB + 3: 1}
# No answer takes longer than the calls of an upload to a store that gives
# none: 10 s of frail and 5 s to undo what was begun, and a little.
DEADLINE = 25
UPLOAD = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(name="proxy")
def proxy_of_frail(server):
    if not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    server.proxy.injected.clear()
    yield server.proxy
    server.proxy.up()


@pytest.fixture(name="frail")
def client_of_frail(server, key):
    return Client(server, "/frail", key)


@contextlib.contextmanager
def injected(proxy, name, share=1.0, only=()):
    proxy.inject(name, share, only)
    try:
        yield
    finally:
        proxy.heal()


def is_ready(server):
    return requests.get(server.url + "/ready", timeout=30).status_code == 200


def in_flight(server):
    text = requests.get(server.url + "/metrics", timeout=30).text
    return re.search(r"^staging_uploads_in_flight (\d+)", text, re.M).group(1)


def recovers(server, seconds=40):
    """By itself: no worker hangs, no job waits, nothing is undecided."""
    server.wait(lambda: is_ready(server), DEADLINE)
    server.wait(lambda: in_flight(server) == "0", DEADLINE)
    server.wait(lambda: server.sql("SELECT count(*) FROM job") == [(0,)],
                seconds)
    assert server.sql("SELECT id FROM upload WHERE status = 'pending'") == []
    assert server.sql("SELECT id FROM upload WHERE status = 'failure' "
                      "AND coalesce(message, '') = ''") == []


def give_reasons(load, server):
    """Every refusal says why, and when to come back or which upload it was."""
    for status, headers, text in load.refusals:
        detail = requests.models.complexjson.loads(text)["detail"]
        assert status in (502, 503), (status, text)
        assert "127.0.0.1" not in detail
        if status == 503:
            assert int(headers["Retry-After"]) > 0
            continue
        upload = UPLOAD.search(detail).group(0)
        status, message, _object = server.row(upload)
        assert status == "failure" and message


# --- some calls fail: uploads do not ------------------------------------------

@pytest.mark.parametrize("fault, share, only", [
    ("500", 0.05, ()), ("503", 0.05, ()), ("SlowDown", 0.05, ()),
    ("reset", 0.1, ("put", "part")), ("cut answer", 0.1, ()),
    ("lost answer", 0.1, ()),
    ("damaged", 0.05, ("put", "part")),
])
def test_calls_that_fail_now_and_then_fail_no_upload(
        fault, share, only, server, proxy, load, rounds):
    with load(paths=["/frail"], sizes=SIZES) as one, \
            injected(proxy, fault, share, only):
        server.wait(lambda: proxy.injected[fault] >= rounds(5, 100), 600)
    # Damaged once more is damaged for good.
    assert not [why for why in one.refusals
                if (fault, why[0]) != ("damaged", 502)]
    recovers(server)


# --- the store does not work at all -------------------------------------------

def go_down(proxy):
    proxy.down()


def be_slow(proxy):
    proxy.inject("30 s")


def be_silent(proxy):
    proxy.inject("black hole")


def assert_quick(server, frail):
    """Those who come meanwhile are soon told to come back."""
    def is_refused():
        begun = time.monotonic()
        response = frail.post(b"x")
        return (response.status_code == 503
                and int(response.headers["Retry-After"]) > 0
                and time.monotonic() - begun < 5)
    # one call at a time tries the store, and waits
    server.wait(is_refused)


def serves_again(server, frail):
    """Every child, each of which finds out by itself that the store is back.
    New connections come to any of them."""
    def all_of_twenty():
        return all(Client(server, frail.path, frail.bearer).post(
            b"x").status_code == 202 for _ in range(20))
    server.wait(all_of_twenty)


@pytest.mark.parametrize("fail", [go_down, be_slow, be_silent])
def test_a_store_that_is_gone_costs_reasons_and_nothing_else(
        fail, server, proxy, frail, load, rounds):
    with load(paths=["/frail"], sizes=SIZES) as one:
        server.wait(lambda: one.count >= 5)
        fail(proxy)
        server.wait(lambda: not is_ready(server), DEADLINE)
        server.wait(lambda: one.refusals, DEADLINE)
        kept = one.count
        time.sleep(rounds(8, 600))
        assert one.count == kept
        assert_quick(server, frail)
        proxy.up()
        server.wait(lambda: one.count > kept, DEADLINE)
    assert one.slowest < DEADLINE
    give_reasons(one, server)
    recovers(server, rounds(40, 300))
    serves_again(server, frail)


# --- what the store says is not what it has -----------------------------------

def connect_s3(server):
    return boto3.client(
        "s3", endpoint_url=server.s3["STAGING_S3_ENDPOINT"],
        aws_access_key_id=server.s3["STAGING_S3_ACCESS_KEY"],
        aws_secret_access_key=server.s3["STAGING_S3_SECRET_KEY"],
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}))


def objects(server):
    """(keys, unfinished uploads) below frail."""
    s3 = connect_s3(server)
    where = {"Bucket": server.s3["STAGING_S3_BUCKET"], "Prefix": "frail/"}
    listing = s3.list_objects_v2(**where).get("Contents", [])
    uploads = s3.list_multipart_uploads(**where).get("Uploads", [])
    return [item["Key"] for item in listing], uploads


def test_a_complete_whose_answer_is_lost_is_found_to_be_done(server, proxy,
                                                             frail):
    data = b"0123456789abcdef" * (6 * MIB // 16)
    before, _uploads = objects(server)
    with injected(proxy, "lost answer", only=("complete",)):
        upload = frail.stage(data, "lost.bin")["id"]
        assert frail.settled(upload)["status"] == "success"
    assert proxy.injected["lost answer"] >= 1
    after, uploads = objects(server)
    key, = set(after) - set(before)
    assert key not in [begun["Key"] for begun in uploads]
    assert frail.download(upload).content == data
    recovers(server)


def test_parts_begun_twice_because_an_answer_was_lost_are_kept_once(
        server, proxy, frail):
    data = b"0123456789abcdef" * (6 * MIB // 16)
    with injected(proxy, "lost answer", 0.5, only=("begin",)):
        while proxy.injected["lost answer"] < 3:
            answer = frail.post(data, "twice.bin")
            if answer.status_code == 202:
                upload = answer.json()["id"]
                assert frail.settled(upload)["status"] == "success"
    server.ctl("gc")  # of those that were never answered
    server.wait(lambda: not objects(server)[1])
    recovers(server)


def test_a_200_with_an_error_in_it_is_no_success(server, proxy, frail):
    data = b"0123456789abcdef" * (6 * MIB // 16)
    with injected(proxy, "error in a 200", only=("complete",)):
        upload = frail.stage(data, "lie.bin")["id"]
        server.wait(lambda: proxy.injected["error in a 200"] >= 3)
        assert frail.get(upload).json()["status"] == "pending"
    assert frail.settled(upload)["status"] == "success"
    assert frail.download(upload).content == data
    recovers(server)


@pytest.mark.parametrize("size", [MIB, 12 * MIB])
def test_an_acknowledgement_of_other_bytes_is_no_success(size, server, proxy,
                                                         frail):
    """The ETags that the store sends are not those of what was sent."""
    with injected(proxy, "wrong ETag", only=("put", "part")):
        response = frail.post(bytes(size), "other.bin")
    assert proxy.injected["wrong ETag"]
    assert response.status_code == 502
    entry = frail.list("?limit=1")[0]
    assert entry["id"] in response.json()["detail"]
    assert entry["status"] == "failure"
    assert "does not hold what was sent" in entry["message"]
    recovers(server)


# --- its clock ----------------------------------------------------------------

@contextlib.contextmanager
def clock_of_the_store(server, offset):
    """radosgw starts again, in another time."""
    restart_gateway(server, LD_PRELOAD="/usr/$LIB/faketime/libfaketime.so.1",
                    FAKETIME=offset, FAKETIME_DONT_FAKE_MONOTONIC="1")
    try:
        yield
    finally:
        restart_gateway(server)


def restart_gateway(server, **environment):
    folder = server.dir / "s3"
    os.kill(int((folder / "run" / "client.rgw.pid").read_text()),
            signal.SIGKILL)
    with subprocess.Popen(
            ["radosgw", "-c", folder / "ceph.conf", "-n", "client.rgw"],
            env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as gateway:
        assert gateway.wait() == 0
    # libfaketime has opened them already, and would leave them behind
    for leaving in Path("/dev/shm").glob(f"*faketime_s*_{gateway.pid}"):
        leaving.unlink()
    server.wait(lambda: requests.get(server.s3["STAGING_S3_ENDPOINT"],
                                     timeout=5))


def seconds_off(server):
    date = requests.get(server.s3["STAGING_S3_ENDPOINT"],
                        timeout=5).headers["Date"]
    return parsedate_to_datetime(date).timestamp() - time.time()


@pytest.mark.parametrize("offset, seconds", [("+20m", 1200), ("-20m", -1200)])
def test_a_store_whose_clock_is_off_is_told_its_own_time(
        offset, seconds, server, proxy, load, rounds):
    """Signatures of our time it would refuse, in URLs too."""
    with clock_of_the_store(server, offset):
        assert abs(seconds_off(server) - seconds) < 10
        server.wait(lambda: is_ready(server))
        with load(paths=["/frail"], sizes=SIZES) as one:
            server.wait(lambda: one.count > rounds(20, 200), 600)
        assert not one.refusals
        assert one.losses() == []
    assert abs(seconds_off(server)) < 10
    recovers(server)
