# SPDX-License-Identifier: Apache-2.0
"""A database that only reads, as a standby does: who reads is served, though
nothing of it can be noted; who writes is told to come again."""

import pytest

from browser import Browser, set_password
from clients import Client
from running import standby

NOT_SEEN_FOR_LONG = """
UPDATE session SET seen = now() - interval '10 minutes',
                   idle_end = idle_end - interval '10 minutes'
"""
NOT_USED_FOR_LONG = "UPDATE api_key SET last_used = NULL"


@pytest.fixture(name="stale", autouse=True)
def everybody_is_due(server):
    """What is written now and then when somebody reads is due, and the log may
    tell of what the server itself cannot write."""
    server.log.allow("read-only transaction")

    def stale():
        server.sql(NOT_SEEN_FOR_LONG)
        server.sql(NOT_USED_FOR_LONG)

    return stale


def is_told_to_come_again(response):
    return (response.status_code == 503
            and int(response.headers["Retry-After"]) > 0)


def events(caller, upload):
    entries = caller.request("GET", f"/{upload}/events").json()
    return [entry["event"] for entry in entries]


def test_a_key_that_no_node_has_seen_reads_on_a_standby(server, stale):
    upload = Client(server, "/upload", server.key("standby")).stage(
        b"of a test", filename="of a test")["id"]
    caller = Client(server, "/upload", server.key("standby"))
    streams = Client(server, "/stream", server.key("standby"))
    stale()
    with standby(server):
        assert [entry["id"] for entry in caller.list("?q=a+test")] == [upload]
        assert caller.get(upload).json()["status"] == "success"
        assert caller.download(upload).content == b"of a test"
        assert streams.data(upload).content == b"of a test"
        assert "downloaded" not in events(caller, upload)
        assert is_told_to_come_again(caller.post())
        assert is_told_to_come_again(caller.delete(upload))
    server.wait(lambda: caller.download(upload).content
                and "downloaded" in events(caller, upload))
    assert caller.delete(upload).status_code == 204


def test_who_is_signed_in_stays_so_on_a_standby(server, stale):
    browser = Browser(server)
    password = set_password(server, "standby")
    assert browser.sign_in(name="standby",
                           password=password).status_code == 201
    stale()
    with standby(server):
        state = browser.state()
        assert state["subject"] == server.accounts["standby"]
        assert browser.request("GET", "/mine").status_code == 200
        assert is_told_to_come_again(Browser(server).sign_in(
            name="standby", password=password))
    server.wait(lambda: browser.state()["idle_end"] > state["idle_end"])


def test_what_cannot_be_noted_because_of_a_mistake_is_an_error(server, alice):
    """Of the log only: who reads is served all the same."""
    upload = alice.stage(b"of a test")["id"]
    server.log.expect(r"staging:error\].*not noted: .*upload_event")
    server.sql("ALTER TABLE upload_event ADD CONSTRAINT of_a_test "
               "CHECK (event <> 'downloaded') NOT VALID")
    try:
        assert alice.download(upload).content == b"of a test"
    finally:
        server.sql("ALTER TABLE upload_event DROP CONSTRAINT of_a_test")
    server.wait(lambda: alice.download(upload).content
                and "downloaded" in events(alice, upload))
    assert alice.delete(upload).status_code == 204
