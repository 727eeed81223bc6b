# SPDX-License-Identifier: Apache-2.0
"""The list of uploads while it changes; no mouse; texts of others."""

import contextlib

import pytest

from resumable import Tus, metadata
from running import without_database
from test_100_walks import fail_one

XSS = [
    "<img src=x onerror=window.hit=1>", "<script>window.hit=2</script>",
    "\"><svg onload=window.hit=3>", "javascript:window.hit=4",
    "{{constructor.constructor('window.hit=5')()}}", "${window.hit=6}",
    "</textarea><iframe srcdoc='<script>parent.hit=7</script>'>",
    "' onmouseover='window.hit=8", "<b>bold</b>&amp;&lt;", "\u202egnp.exe",
]


def test_every_column_sorts_and_every_state_filters(person):
    sizes = {"b": 3, "d": 1, "a": 4, "c": 2}
    for name, size in sizes.items():
        entry = person.uploads.stage(b"x" * size, f"{name}.csv", label=name)
        person.uploads.settled(entry["id"])
        person.server.sql(
            "UPDATE upload SET expires = now() + make_interval(days => %s) "
            "WHERE id = %s", 10 * ord(name) - 900, entry["id"])
    fail_one(person)
    failed, = person.uploads.list("?status=failure")
    person.server.sql("UPDATE upload SET expires = now() + interval '1 hour' "
                      "WHERE id = %s", failed["id"])
    told = person.walks("sortAndFilter", orders={
        "Name": ["a", "b", "c", "d", "data.bin"],
        "Size": ["d", "data.bin", "c", "b", "a"]
        if failed["size"] == 1 else ["data.bin", "d", "c", "b", "a"],
        "Age": ["data.bin", "c", "a", "d", "b"][::-1],
        "Expires": ["data.bin", "a", "b", "c", "d"],
    }, states={"Stored": ["d", "c", "b", "a"], "Failed": ["data.bin"],
               "On their way": [], "All": ["d", "c", "b", "a", "data.bin"]})
    assert "sort=-expires" in told["address"]


def test_what_happens_is_seen_without_doing_anything(person):
    tus = Tus(person.server, "/resumable", person.key)
    begun = []

    def act(told):
        if told["ask"] == "begin an upload":
            begun.append(tus.create(10, {"Upload-Metadata": metadata(
                filename="watched.txt", label="watched")}))
            tus.patch(begun[0], 0, b"x" * 5)
        else:
            tus.patch(begun[0], 5, b"x" * 5)

    told = person.walks("watch", answer=act)
    assert told["isSame"]
    assert told["count"] == "1 to 1 of 1"
    assert told["focused"] == "watched"


@pytest.mark.once
def test_who_goes_on_quickly_gets_there(person):
    ids = [person.uploads.stage(label=label)["id"]
           for label in ("first", "second")]
    told = person.walks("goOnQuickly", ids=ids)
    assert told["address"].endswith("/#/uploads")


@pytest.mark.once
def test_what_expires_soon_is_marked(person):
    for label in ("soon", "later"):
        person.uploads.stage(label=label)
    person.server.sql("UPDATE upload SET expires = now() + interval '1 day' "
                      "WHERE label = 'soon'")
    assert person.walks("seeWhatExpires")["warned"] == ["soon"]


@pytest.mark.once
def test_an_error_has_an_id_that_is_in_the_log_and_goes_again(person):
    server = person.server
    with contextlib.ExitStack() as away:
        def act(told):
            if told["ask"] == "take the database away":
                away.enter_context(without_database(server))
            else:
                away.close()

        told = person.walks("readAnError", answer=act)
    assert "That did not work: " in told["text"]
    assert told["copied"] in told["text"]
    assert f"[request {told['copied']}]" in server.node.error_log.read_text()
    assert told["focused"] != "body"


@pytest.mark.once
def test_nobody_needs_a_mouse_for_work(person):
    told = person.walks("workByKeyboard",
                        path=str(person.file("small.bin", 1000)))
    assert told["first"] == "Keep"
    assert all(told["trapped"])
    assert told["back"] == "Delete small.bin"
    assert told["end"] not in ("body", "")
    assert "small.bin: Stored" in told["said"]
    assert "Deleted." in told["said"]


@pytest.mark.once
def test_nothing_moves_for_who_does_not_want_it(person):
    told = person.walks("standStill")
    assert (told["animations"], told["moving"]) == (0, 0)


@pytest.fixture(name="written")
def texts_of_others(person):
    """In every field that a person or a program fills in."""
    server = person.server
    server.ctl("account", "operator", person.name, "on")
    tus = Tus(server, "/resumable", person.key)
    for text in XSS:
        tus.create(10, {"Upload-Metadata": metadata(
            filename=text.replace("/", "_"), label=text)})
        server.ctl("key", "add", person.name, "--label", text)
    for text in XSS:
        server.sql("INSERT INTO job (kind, subject, state, attempts, "
                   "last_error) VALUES ('upload_finish', gen_random_uuid(), "
                   "'parked', 12, %s)", text)
    uploads = [person.uploads.stage(b"x", text.replace("/", "_"), label=text)
               for text in XSS]
    for entry in uploads:
        person.uploads.settled(entry["id"])
    fail_one(person)
    failed, = person.uploads.list("?status=failure")
    server.sql("UPDATE upload SET message = %s, label = %s, filename = %s "
               "WHERE id = %s", XSS[0], XSS[1], XSS[2], failed["id"])
    yield [entry["id"] for entry in uploads] + [failed["id"]]
    server.sql("DELETE FROM job WHERE state = 'parked'")


@pytest.mark.once
def test_what_others_wrote_is_only_text(person, written):
    def act(_):
        person.server.sql("UPDATE session SET name = %s WHERE account = (SELECT"
                          " id FROM account WHERE name = %s)",
                          XSS[0], person.name)

    told = person.walks("readWhatOthersWrote", answer=act, ids=written,
                        texts=XSS)
    # the service has taken out what turns round a name
    names = [text.replace("/", "_").replace("\u202e", "") for text in XSS]
    assert told["heads"] == [*XSS, XSS[1]]
    assert set(told["labels"]) == set(XSS)
    assert all(any(text in row for row in told["unfinished"])
               for text in XSS)
    assert told["tips"] and set(told["tips"]) == {XSS[0]}
    assert set(told["keys"]) >= set(XSS)
    assert all(text in told["operation"] for text in XSS)
    assert XSS[0] in told["menu"]
    assert set(told["files"]) <= {*names, XSS[2]}
