# SPDX-License-Identifier: Apache-2.0
"""Uploads with the dashboard, and all that may come between."""

import hashlib
import os
import time

import wire

MIB = 1 << 20
BIG = int(os.environ.get("STAGING_BROWSER_MIB", "64")) * MIB


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def only(person):
    entry, = person.uploads.list()
    return person.uploads.settled(entry["id"])


def test_a_folder_keeps_its_paths(person):
    for name in ("one.csv", "inner/two.csv", "inner/deep/three.csv"):
        person.file(f"box/{name}", 1000, name.encode())
    told = person.walks("uploadFolder", path=str(person.folder / "box"))
    assert sorted(told["labels"]) == [
        "box/inner/deep/three.csv", "box/inner/two.csv", "box/one.csv"]
    assert {entry["label"] for entry in person.uploads.list()} == {
        "The first one", "box/inner/two.csv", "box/inner/deep/three.csv"}


def test_a_dropped_file_is_compared_by_its_checksum(person):
    person.walks("drop")
    assert only(person)["sha256"] == hashlib.sha256(b"dropped\n").hexdigest()


def test_a_pause_lasts_until_it_is_ended(person):
    path = person.file("big.bin", 24 * MIB)
    told = person.walks("pauseAndResume", path=str(path))
    assert told["later"] == told["paused"] < 100
    assert "/s" in told["text"] and "left" in told["text"]
    assert only(person)["sha256"] == sha256(path)


def test_what_is_cancelled_is_gone(person):
    person.walks("cancel", path=str(person.file("big.bin", 24 * MIB)))
    person.server.wait(lambda: not person.uploads.list())


def test_neither_network_nor_server_have_to_last(person):
    path = person.file("big.bin", BIG)
    network = wire.Proxy(person.server.port)
    network.bytes_per_second = BIG / 10

    def act(told):
        if told["ask"] == "cut the network":
            network.down()
        elif told["ask"] == "mend the network":
            network.up()
        else:
            person.server.node.stop()
            time.sleep(2)
            person.server.node.start(person.server.node.conf.read_text())
            network.bytes_per_second = None

    told = person.walks("survive", answer=act, path=str(path),
                        url=f"http://127.0.0.1:{network.port}")
    network.stop()
    assert 20 <= told["cut"] < 100
    assert only(person)["sha256"] == sha256(path)


def test_it_goes_on_in_another_browser_with_the_same_file_only(person):
    path = person.file("big.bin", 24 * MIB)
    other = person.file("other/big.bin", 24 * MIB, b"y")
    short = person.file("short/big.bin", MIB)
    told = person.walks("moveOn", path=str(path), other=str(other),
                        short=str(short))
    assert "Resume: choose the file again" in told["text"]
    assert "not 25" in told["refusal"]
    assert not told["requests"]
    begun, = person.uploads.list()
    assert begun["status"] == "pending" and begun["offset"] > 0
    told = person.walks("goOn", path=str(path))
    assert told["offsets"] == [begun["offset"]]
    stored = only(person)
    assert stored["id"] == begun["id"]
    assert stored["sha256"] == sha256(path)


def test_a_tab_that_is_closed_asks_first_and_loses_nothing(person):
    path = person.file("big.bin", 24 * MIB)
    told = person.walks("closeTheTab", path=str(path))
    assert told["asked"] == ["beforeunload"]
    assert only(person)["sha256"] == sha256(path)


def test_what_is_too_large_is_refused_before_a_byte_goes(person):
    path = person.folder / "huge.bin"
    with open(path, "wb") as file:
        file.truncate(5 << 30)
    told = person.walks("refuseTooLarge", path=str(path))
    assert "Up to 4.3 GB a file" in told["limits"]
    assert "kept for" in told["limits"]
    assert not told["requests"]
    assert not person.uploads.list()


def test_what_has_failed_is_tried_again(person):
    other = person.uploads.settled(person.uploads.stage(label="full")["id"])
    person.server.sql("UPDATE object SET size = %s WHERE id = (SELECT object "
                      "FROM upload WHERE id = %s)", 6 << 30, other["id"])
    path = person.file("big.bin", MIB)
    told = person.walks(
        "tryAgain", answer=lambda _: person.uploads.delete(other["id"]),
        path=str(path))
    assert "That did not work" in told["text"]
    assert only(person)["sha256"] == sha256(path)


def test_a_file_that_is_gone_is_said_to_be(person):
    path = person.file("big.bin", MIB)
    told = person.walks("loseTheFile", answer=lambda _: path.unlink(),
                        path=str(path))
    assert "cannot be read" in told["text"]
    assert not person.uploads.list()
