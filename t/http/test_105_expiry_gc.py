# SPDX-License-Identifier: Apache-2.0
"""What is expired, failed or abandoned goes away, rows and bytes."""

import time


def test_an_expired_upload_is_hidden_at_once(server, alice):
    entry = alice.stage(b"short")
    server.sql("UPDATE upload SET expires = now() WHERE id = %s", entry["id"])
    assert alice.get(entry["id"]).status_code == 404
    assert alice.data(entry["id"]).status_code == 404
    assert alice.delete(entry["id"]).status_code == 404
    assert entry["id"] not in [e["id"] for e in alice.list()]


def test_retention_is_that_of_the_location(server, alice):
    entry = alice.at("/short").stage(b"short")
    path = server.file_path(entry["id"])
    assert alice.get(entry["id"]).status_code == 200
    time.sleep(4)
    assert alice.get(entry["id"]).status_code == 404
    # and the server itself collects it
    server.wait(lambda: not server.row(entry["id"]) and not path.exists())


def test_gc_removes_bytes_of_expired_uploads_from_every_store(server, stager):
    entry = stager.settled(stager.stage(b"z" * 6000000)["id"])
    other = stager.settled(stager.stage(b"stays")["id"])
    expired = server.row(entry["id"])[2]
    server.sql("UPDATE upload SET expires = now() WHERE id = %s", entry["id"])
    server.ctl("gc")
    server.wait(lambda: not server.sql("SELECT 1 FROM object WHERE id = %s",
                                       expired))
    assert stager.download(other["id"]).content == b"stays"
    assert server.ctl("check", check=False).returncode == 0


def test_rows_of_failed_uploads_stay_but_not_their_bytes(server, alice):
    response = alice.post(b"failing", headers={
        "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    assert response.status_code == 400
    entry = alice.list("?limit=1")[0]
    server.ctl("gc")
    server.wait(lambda: server.row(entry["id"])[2] is None)
    assert alice.get(entry["id"]).json()["status"] == "failure"


def test_check_finds_bytes_without_rows_and_mends_it(server, alice):
    entry = alice.stage(b"known")
    known = server.file_path(entry["id"])
    name = "ab" + "00000000-0000-4000-8000-000000000000"[2:]
    stray = known.parents[1] / "ab" / name
    stray.write_bytes(b"stray")
    check = server.ctl("check", check=False)
    assert check.returncode == 1
    assert name in check.stdout
    server.ctl("check", "--repair", check=False)
    assert not stray.exists()
    assert known.exists()
    assert server.ctl("check", check=False).returncode == 0


def test_check_finds_rows_without_bytes_and_mends_it(server, alice):
    entry = alice.stage(b"to be lost")
    path = server.file_path(entry["id"])
    path.unlink()
    check = server.ctl("check", check=False)
    assert check.returncode == 1
    assert path.name in check.stdout
    server.ctl("check", "--repair", check=False)
    assert alice.get(entry["id"]).json()["status"] == "failure"
    server.ctl("gc")
    assert server.ctl("check", check=False).returncode == 0


def test_check_deep_finds_bytes_that_have_changed(server, alice):
    entry = alice.stage(b"as it was")
    path = server.file_path(entry["id"])
    path.chmod(0o600)
    path.write_bytes(b"as it is.")
    assert server.ctl("check", check=False).returncode == 0
    deep = server.ctl("check", "--deep", check=False)
    assert deep.returncode == 1
    assert path.name in deep.stdout
    alice.delete(entry["id"])
