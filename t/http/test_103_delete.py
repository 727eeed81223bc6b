# SPDX-License-Identifier: Apache-2.0
"""DELETE, whatever state an upload is in."""

import json

import requests


def test_a_deleted_upload_is_gone_at_once_and_for_ever(server, stager):
    entry = stager.settled(stager.stage(b"gone")["id"])
    url = stager.location(entry["id"])
    response = stager.delete(entry["id"])
    assert (response.status_code, response.content) == (204, b"")
    assert stager.get(entry["id"]).status_code == 404
    assert stager.data(entry["id"]).status_code == 404
    assert entry["id"] not in [e["id"] for e in stager.list()]
    assert stager.delete(entry["id"]).status_code == 404
    server.wait(lambda: requests.get(url, timeout=20).status_code == 404)


def test_the_bytes_go_without_anybody_asking(server, alice):
    entry = alice.stage(b"gone")
    path = server.file_path(entry["id"])
    assert path.read_bytes() == b"gone"
    alice.delete(entry["id"])
    server.wait(lambda: not path.exists())


def test_a_failed_upload_can_be_deleted(alice):
    response = alice.post(headers={"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    assert response.status_code == 400
    entry = alice.list("?limit=1")[0]
    assert entry["status"] == "failure"
    assert alice.delete(entry["id"]).status_code == 204


def test_an_upload_deleted_while_it_arrives_leaves_nothing(server, stager):
    with server.connect() as connection:
        connection.request("POST", stager.path + "?filename=racing.bin", {
            "Authorization": "Bearer " + stager.bearer,
            "Content-Length": 200000})
        connection.send(b"x" * 100000)
        entry = server.wait(lambda: [
            e for e in stager.list("?status=pending")
            if e["filename"] == "racing.bin"])[0]
        assert stager.delete(entry["id"]).status_code == 204
        assert stager.get(entry["id"]).status_code == 404
        response = connection.send(b"x" * 100000).response("POST")
    assert response.status == 404
    assert "deleted" in json.loads(response.body)["detail"]
    assert stager.get(entry["id"]).status_code == 404
    server.ctl("gc")
    assert server.ctl("check", check=False).returncode == 0


def test_deleting_needs_an_id(alice):
    response = alice.request("DELETE")
    assert response.status_code == 405
    allowed = set(response.headers["Allow"].replace(" ", "").split(","))
    # TRACE is httpd's own
    assert allowed - {"TRACE"} == {"GET", "HEAD", "POST"}


def test_only_the_upload_itself_can_be_deleted(alice):
    entry = alice.stage()
    response = alice.request("DELETE", f"/{entry['id']}/data")
    assert response.status_code == 405
    assert alice.get(entry["id"]).status_code == 200
