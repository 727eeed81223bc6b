# SPDX-License-Identifier: Apache-2.0
"""API keys of accounts, made by stagingctl."""

import subprocess
import time

import pytest

from clients import Client


def client(server, key):
    return Client(server, "/upload", key)


def hint(key):
    return key[:12]


def changed(key):
    """The key with one character of its random part changed."""
    return key[:20] + ("A" if key[20] != "A" else "B") + key[21:]


def test_a_key_opens_the_door(server):
    key = server.key("opener")
    assert client(server, key).list() == []
    assert client(server, key).post().status_code == 202


def test_all_keys_of_an_account_own_the_same(server):
    first, second = (client(server, server.key("shared")) for _ in range(2))
    entry = first.stage()
    assert second.get(entry["id"]).json() == entry


def test_keys_may_go_into_the_query_where_that_is_allowed(server, alice_key):
    anybody = Client(server, "/upload")
    assert anybody.request("GET", "?key=" + alice_key).status_code == 200


@pytest.mark.parametrize("spoil", [
    changed, lambda key: key[:-1], lambda key: key + "0",
    lambda key: key.swapcase(), lambda key: "stg_", lambda key: key[4:],
    lambda key: "k" * 5000, lambda key: key + " "], ids=range(8))
def test_a_wrong_key_is_401(server, alice_key, spoil):
    key = spoil(alice_key)
    if len(key) > len("stg_"):
        server.secret(key)
    if key == alice_key + " ":
        key = alice_key + "%20"
        response = Client(server).request("GET", "?key=" + key)
    else:
        response = client(server, key).request("GET")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert "detail" in response.json()


def test_a_revoked_key_ends_within_seconds(server):
    key = server.key("revoked")
    caller = client(server, key)
    assert caller.request("GET").status_code == 200
    server.ctl("key", "revoke", hint(key))
    server.wait(lambda: caller.request("GET").status_code == 401, 15)
    assert "revoked" in server.ctl("key", "list", "revoked").stdout


def test_a_disabled_account_is_shut_out_with_all_its_keys(server):
    server.key("away")
    server.ctl("account", "disable", "away")
    assert client(server, server.key("away")).request(
        "GET").status_code == 401
    server.ctl("account", "enable", "away")
    assert client(server, server.key("away")).request(
        "GET").status_code == 200


def test_an_expired_key_is_401(server):
    key = server.key("brief", "--expires", "1s")
    time.sleep(1.2)
    assert client(server, key).request("GET").status_code == 401
    assert "expired" in server.ctl("key", "list", "brief").stdout


def test_scopes_limit_a_key(server):
    reader = client(server, server.key("scoped", "--scope", "read"))
    writer = client(server, server.key("scoped", "--scope", "write"))
    entry = writer.stage()
    assert reader.get(entry["id"]).status_code == 200
    assert reader.location(entry["id"])
    assert reader.post().status_code == 403
    assert reader.delete(entry["id"]).status_code == 403
    assert writer.request("GET").status_code == 403
    assert writer.get(entry["id"]).status_code == 403
    assert writer.delete(entry["id"]).status_code == 204


def test_the_database_cannot_be_used_to_log_in(server, alice_key):
    """Neither the key nor its random part is anywhere in a dump."""
    rows = server.sql("SELECT sha256, hint FROM api_key")
    assert rows
    text = repr(rows) + repr(server.sql("SELECT * FROM upload"))
    assert alice_key not in text
    assert alice_key[4:30] not in text
    for value, key_hint in rows[:3]:
        assert client(server, value).request("GET").status_code == 401
        assert client(server, key_hint).request("GET").status_code == 401


def test_a_key_is_shown_once(server, alice_key):
    listing = server.ctl("key", "list", "alice").stdout
    assert hint(alice_key) in listing
    assert alice_key not in listing


@pytest.mark.parametrize("words", [
    ["account", "add", "bad name"], ["account", "add", "alice"],
    ["account", "add"], ["key", "add", "nobody-there"],
    ["key", "add", "alice", "--scope", "root"],
    ["key", "add", "alice", "--expires", "never"], ["key", "revoke", "x"],
    ["account", "disable", "nobody-there"], ["nonsense"], []], ids=" ".join)
def test_stagingctl_says_what_is_wrong(server, alice_key, words):
    assert alice_key
    done = server.ctl(*words, check=False)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("stagingctl: ")
    assert "[" not in done.stderr or "]" in done.stderr


def test_a_log_of_the_administrator_holds_no_key(server, tmp_path):
    """The key goes to standard output alone."""
    with open(tmp_path / "stderr", "w+", encoding="utf-8") as errors:
        done = subprocess.run(
            [str(server.build / "stagingctl"), "-c", str(server.stores_conf),
             "key", "add", "alice"], check=True, stdout=subprocess.PIPE,
            stderr=errors, text=True)
        errors.seek(0)
        assert server.secret(done.stdout.strip()) not in errors.read()
