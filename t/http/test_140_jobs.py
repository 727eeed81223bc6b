# SPDX-License-Identifier: Apache-2.0
"""What outlives a request: objects of several parts, and a store that is
down in the middle of it."""

import re
import time

import pytest

from clients import Client, digests

MIB = 1 << 20
DATA = bytes(range(251)) * (12 * MIB // 251)


def jobs(server):
    return server.sql("SELECT count(*) FROM job")[0][0]


def test_an_object_of_several_parts_is_completed_by_a_job(server, s3):
    response = s3.post(DATA, "parts.bin")
    assert response.status_code == 202
    entry = response.json()
    if entry["status"] == "pending":
        assert entry["size"] is None and entry["md5"] is None
    entry = s3.settled(entry["id"])
    assert entry["status"] == "success"
    assert entry["size"] == len(DATA)
    assert {name: entry[name] for name in digests(DATA)} == digests(DATA)
    assert s3.download(entry["id"]).content == DATA
    server.wait(lambda: jobs(server) == 0)


def test_a_pending_object_is_not_downloaded_before_it_is_whole(frail, server):
    entry = frail.stage(b"x")
    assert entry["status"] == "success"
    response = frail.post(DATA, "pending.bin")
    assert response.status_code == 202
    entry = response.json()
    if entry["status"] == "pending":
        assert frail.data(entry["id"]).status_code in (302, 409)
    assert frail.settled(entry["id"])["status"] == "success"
    assert server.wait(lambda: jobs(server) == 0)


def test_a_job_waits_until_the_store_is_back(server, frail):
    """The store goes away when all parts are there."""
    server.log.allow("STORE_DOWN|STORE_FAILED")
    response = frail.post(DATA, "waiting.bin")
    server.proxy.down()
    assert response.status_code == 202
    time.sleep(1)
    server.proxy.up()
    entry = frail.settled(response.json()["id"])
    assert entry["status"] == "success"
    assert frail.download(entry["id"]).content == DATA


def test_a_deleted_pending_upload_leaves_no_parts(server, s3):
    entry = s3.post(DATA, "deleted.bin").json()
    assert s3.delete(entry["id"]).status_code == 204
    server.wait(lambda: jobs(server) == 0)
    server.ctl("gc")
    assert server.ctl("check", check=False).returncode == 0


@pytest.mark.parametrize("size", [1000, 12 * MIB])
def test_a_store_that_is_down_is_502_with_the_upload_named(server, frail,
                                                           size):
    server.proxy.down()
    server.log.expect("STORE_DOWN")
    server.log.allow("STORE_DOWN|STORE_FAILED")
    response = frail.post(DATA[:size], "lost.bin")
    assert response.status_code == 502
    assert set(response.json()) == {"detail", "request_id"}
    entry = frail.list("?limit=1")[0]
    assert entry["id"] in response.json()["detail"]
    assert (entry["status"], entry["filename"]) == ("failure", "lost.bin")
    assert entry["message"]
    assert "127.0.0.1" not in entry["message"] + response.text
    server.proxy.up()
    server.ctl("gc")


def test_a_store_that_goes_down_midway_is_502(server, frail):
    server.proxy.cut_after(7 * MIB)
    server.log.expect("STORE_DOWN")
    server.log.allow("STORE_DOWN|STORE_FAILED")
    response = frail.post(DATA, "midway.bin")
    assert response.status_code == 502
    assert frail.list("?limit=1")[0]["status"] == "failure"
    server.proxy.up()
    server.ctl("gc")
    assert server.ctl("check", check=False).returncode == 0


def test_a_lost_connection_to_the_store_is_survived(server, frail):
    """The driver sends that part again."""
    server.log.allow("again|retry")
    server.proxy.cut_after(8 * MIB, for_good=False)
    entry = frail.settled(frail.stage(DATA, "survivor.bin")["id"])
    assert entry["status"] == "success"
    assert server.proxy.bytes_left is None
    assert frail.download(entry["id"]).content == DATA


def test_a_frozen_store_is_waited_for_once(server, frail):
    """The first upload finds out; who comes later is told at once."""
    server.log.allow("STORE_DOWN|BUSY|not ready: store")
    server.proxy.freeze()
    begun = time.monotonic()
    first = frail.post(b"lost", "first.bin")
    assert first.status_code == 502
    assert time.monotonic() - begun < 20
    entry = frail.list("?limit=1")[0]
    assert entry["id"] in first.json()["detail"]
    assert (entry["status"], entry["filename"]) == ("failure", "first.bin")
    with server.connect() as connection:
        connection.request("POST", "/frail?filename=second.bin", {
            "Authorization": "Bearer " + frail.bearer, "Content-Length": 10})
        second = connection.response("POST")  # the body was not asked for
    assert second.status == 503
    assert 0 < int(second.headers["Retry-After"]) <= 10
    assert frail.list("?limit=1")[0]["filename"] == "first.bin"
    ready = Client(server, "/ready").request("GET").json()
    assert ready["store frail"] != "ok"
    assert ready["store main"] == "ok"
    down = re.search(r"^staging_stores_down (\d)$", Client(
        server, "/metrics").request("GET").text, re.M)
    assert int(down[1]) > 0
    server.proxy.up()
    server.wait(lambda: frail.post(b"again").status_code == 202)


def test_readiness_names_the_store_that_is_down(server, frail):
    assert frail
    server.proxy.down()
    server.log.expect("not ready: store frail")
    response = Client(server, "/ready").request("GET")
    assert response.status_code == 503
    body = response.json()
    assert body["database"] == body["store main"] == "ok"
    assert body["store frail"] != "ok"
    server.proxy.up()


def test_rows_are_deleted_while_the_store_is_down(server, frail):
    entry = frail.stage(b"to be removed later")
    server.proxy.down()
    server.log.allow("STORE_DOWN|STORE_FAILED")
    assert frail.delete(entry["id"]).status_code == 204
    assert frail.get(entry["id"]).status_code == 404
    time.sleep(1)
    server.proxy.up()
    server.ctl("gc")
    server.wait(lambda: server.ctl("check", check=False).returncode == 0)


def test_secrets_of_the_store_are_in_no_answer(server, s3):
    entry = s3.settled(s3.stage(b"x")["id"])
    location = s3.location(entry["id"])
    assert server.s3["STAGING_S3_SECRET_KEY"] not in location
    assert "X-Amz-Signature=" in location
