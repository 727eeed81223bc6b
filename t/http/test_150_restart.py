# SPDX-License-Identifier: Apache-2.0
"""Restarts, crashes and several nodes: nothing that was promised is lost."""

import json
import os
import signal
import subprocess
import threading

import requests

from clients import Client
from stack import is_serving


def slow_upload(server, client, name, path=None):
    connection = server.connect()
    connection.request("POST", f"{path or client.path}?filename={name}", {
        "Authorization": "Bearer " + client.bearer, "Content-Length": 200000})
    connection.send(b"x" * 100000)
    server.wait(lambda: [e for e in client.list("?status=pending")
                         if e["filename"] == name])
    return connection


def let_lease_run_out(server, name):
    """Of the node that was receiving this file: as if that was long ago."""
    server.sql("UPDATE node SET expires = now() - interval '1 minute', "
               "suspected = now() - interval '21 seconds' WHERE id IN ("
               "SELECT o.receiver FROM object o JOIN upload u "
               "ON u.object = o.id WHERE u.filename = %s)", name)


def test_a_graceful_restart_fails_no_running_upload(server, stager):
    server.log.allow("LimitRequestBody is 5000")
    old = server.node.children()
    with slow_upload(server, stager, "graceful.bin") as connection:
        server.node.graceful()
        server.wait(lambda: server.node.children() - old)
        # the new generation serves, and sees the upload of the old one
        server.wait(lambda: requests.get(server.url + "/ready",
                                         timeout=20).status_code == 200)
        other = stager.stage(b"meanwhile")
        server.ctl("gc")
        response = connection.send(b"y" * 100000).response("POST")
    assert response.status == 202
    entry = stager.settled(json.loads(response.body)["id"])
    assert entry["status"] == "success"
    assert stager.download(entry["id"]).content == \
        b"x" * 100000 + b"y" * 100000
    assert stager.get(other["id"]).status_code == 200
    server.wait(lambda: not server.node.children() & old)


def test_an_old_child_does_not_wait_for_a_store_that_is_frozen(server,
                                                               patient):
    """Neither its collector nor its job thread."""
    server.log.allow("LimitRequestBody is 5000|STORE_DOWN|"
                     "the store does not answer")
    entry = patient.stage(b"to be collected")
    job = patient.stage(b"to be finished")["id"]
    old = server.node.children()
    server.proxy.freeze()
    patient.delete(entry["id"])
    server.sql("WITH o AS (UPDATE object SET state = 'finishing' WHERE id = "
               "(SELECT object FROM upload WHERE id = %s) RETURNING id) "
               "INSERT INTO job (kind, subject) "
               "SELECT 'upload_finish', id FROM o", job)
    server.wait(lambda: server.sql(
        "SELECT 1 FROM job WHERE state = 'running'") and server.sql(
        "SELECT 1 FROM object WHERE state = 'deleting' AND store = 'patient' "
        "AND claimed > created AND receiver IS NOT NULL"))
    server.node.graceful()
    server.wait(lambda: not server.node.children() & old)
    server.proxy.up()
    assert patient.settled(job)["status"] == "success"


def test_a_drain_cuts_what_is_still_arriving_and_says_so(server, alice):
    def upload(node, name):
        connection = server.connect(node.port)
        connection.request("POST", f"/upload?filename={name}", {
            "Authorization": "Bearer " + alice.bearer,
            "Content-Length": 1000000})
        connection.send(b"x" * 1000)
        server.wait(lambda: [e for e in alice.list("?status=pending")
                             if e["filename"] == name])
        return connection

    with server.another_node("StagingDrain 8s\n") as node:
        quick, silent, busy = (upload(node, name) for name in (
            "quick.bin", "silent.bin", "busy.bin"))
        old = node.children()
        node.log.allow("BUSY: upload .* restarted")
        node.graceful()
        server.wait(lambda: node.children() - old)
        assert quick.send(b"y" * 999000).response("POST").status == 202
        while busy.is_silent(0.1):
            busy.send(b"z" * 1000)
        for connection in (silent, busy):
            response = connection.response("POST")
            assert response.status == 503
            assert int(response.headers["Retry-After"]) > 0
            assert b"restarted" in response.body
            assert connection.is_closed()
        server.wait(lambda: not node.children() & old)
    failed = {e["filename"]: e["message"] for e in
              alice.list("?status=failure&limit=5")}
    assert "restarted" in failed["silent.bin"]
    assert "restarted" in failed["busy.bin"]


def test_a_drain_cuts_an_upload_that_waits_for_the_store(server, patient):
    """Which would be waited for much longer."""
    extra = "StagingDrain 1s\n" '<Location "/patient">\n' \
        "    SetHandler staging-uploads\n    StagingUseStore patient\n" \
        "</Location>\n"
    with server.another_node(extra) as node, \
            server.connect(node.port) as connection:
        node.log.allow("BUSY: upload .* restarted")
        server.proxy.freeze()
        connection.request("POST", "/patient?filename=waits.bin", {
            "Authorization": "Bearer " + patient.bearer,
            "Content-Length": 5}, b"whole")
        server.wait(lambda: [e for e in patient.list("?status=pending")
                             if e["filename"] == "waits.bin"])
        node.graceful()
        response = connection.response("POST")
        server.proxy.up()
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert b"restarted" in response.body
    entry, = (e for e in patient.list("?status=failure&limit=5")
              if e["filename"] == "waits.bin")
    assert "restarted" in entry["message"]


def test_many_graceful_restarts_under_load_lose_nothing(server, alice):
    server.log.allow("LimitRequestBody is 5000")
    done, failed = [], []
    stop = threading.Event()

    def upload():
        mine = Client(server, "/upload", alice.bearer)
        while not stop.is_set():
            try:
                response = mine.post(b"z" * 50000)
            except requests.ConnectionError:
                # a kept-alive connection that ended between two requests
                mine = Client(server, "/upload", alice.bearer)
                continue
            (done if response.status_code == 202 else failed).append(response)

    threads = [threading.Thread(target=upload) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        old = server.node.children()
        count = len(done)
        server.node.graceful()
        server.wait(lambda: server.node.children() - old)
        server.wait(lambda: len(done) > count + 20)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed, failed[0].text
    present = {entry["id"] for entry in alice.list("?status=success")}
    assert {response.json()["id"] for response in done} <= present
    for response in done:
        alice.delete(response.json()["id"])


def test_a_killed_child_leaves_a_failure_that_another_buries(server, alice):
    server.log.allow("exit signal Killed")
    connection = slow_upload(server, alice, "killed.bin")
    for pid in server.node.children():
        os.kill(pid, signal.SIGKILL)
    connection.close()
    server.wait(lambda: requests.get(server.url + "/ready",
                                     timeout=20).status_code == 200)
    let_lease_run_out(server, "killed.bin")
    entry = server.wait(lambda: [
        e for e in alice.list("?status=failure&limit=5")
        if e["filename"] == "killed.bin"])[0]
    assert entry["message"]
    server.ctl("gc")
    assert server.ctl("check", check=False).returncode == 0


def test_one_collection_after_a_kill_leaves_nothing(server, stager):
    """At once, without a lease to run out; a new child may be about to do what
    we ask for."""
    server.log.allow("exit signal Killed")
    connection = slow_upload(server, stager, "gone.bin")
    killed = server.node.children()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    server.wait(lambda: not any(map(is_serving, killed)))
    server.ctl("gc")
    server.wait(lambda: server.sql(
        "SELECT status, object FROM upload WHERE filename = 'gone.bin' "
        "ORDER BY created DESC LIMIT 1") == [("failure", None)], 5)
    assert server.ctl("check", check=False).returncode == 0
    connection.close()


def test_two_nodes_serve_one_another_uploads(server, alice):
    with server.another_node() as node:
        entry = alice.stage(b"anywhere")
        head = {"Authorization": "Bearer " + alice.bearer}
        seen = requests.get(f"{node.url}/upload/{entry['id']}", headers=head,
                            timeout=20)
        assert seen.json() == entry
        location = alice.location(entry["id"])
        bytes_ = requests.get(location.replace(server.url, node.url),
                              timeout=20)
        assert bytes_.content == b"anywhere"
        assert requests.delete(f"{node.url}/upload/{entry['id']}",
                               headers=head, timeout=20).status_code == 204
        assert alice.get(entry["id"]).status_code == 404


def test_an_upload_arriving_at_another_node_is_left_alone(server, alice):
    with server.another_node() as node:
        connection = server.connect(node.port)
        connection.request("POST", "/upload?filename=elsewhere.bin", {
            "Authorization": "Bearer " + alice.bearer, "Content-Length": 10})
        connection.send(b"12345")
        server.wait(lambda: [e for e in alice.list("?status=pending")
                             if e["filename"] == "elsewhere.bin"])
        server.ctl("gc")
        assert connection.send(b"67890").response("POST").status == 202
        connection.close()


def test_a_stop_ends_what_is_running_cleanly(server, alice):
    with server.another_node() as node:
        with server.connect(node.port) as connection:
            connection.request("POST", "/upload?filename=stopped.bin", {
                "Authorization": "Bearer " + alice.bearer,
                "Content-Length": 10})
            connection.send(b"12345")
            server.wait(lambda: alice.list("?status=pending"))
            node.log.allow("AH00045|AH00046|did not exit|could not make")
            node.stop()
    let_lease_run_out(server, "stopped.bin")
    server.ctl("gc")
    entry = server.wait(lambda: [
        e for e in alice.list("?limit=5&status=failure")
        if e["filename"] == "stopped.bin"])[0]
    assert entry["message"]


def test_a_worker_of_its_own_collects_and_ends_on_sigterm(server, alice):
    with subprocess.Popen(
            [str(server.build / "stagingctl"), "-c", str(server.stores_conf),
             "worker", "--threads", "2"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as worker:
        known = "SELECT 1 FROM node WHERE pid = %s"
        server.wait(lambda: server.sql(known, worker.pid))
        alice.delete(alice.stage()["id"])
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0, worker.stderr.read()
    assert not server.sql(known, worker.pid)
