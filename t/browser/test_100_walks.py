# SPDX-License-Identifier: Apache-2.0
"""What people do with the dashboard but for uploading. Every walk also proves
that the console stays empty, the policy is kept, and nothing is asked of
other hosts: conftest.py."""

import hashlib
from pathlib import Path

import pytest
import yaml

from stack import TOP

LIMIT = 150_000  # bytes of the first load


@pytest.fixture(name="operator")
def an_operator_with_a_parked_job(person):
    """Which can be retried, and then ends: its subject is gone."""
    person.server.ctl("account", "operator", person.name, "on")
    person.server.sql(
        "INSERT INTO job (kind, subject, state, attempts, last_error) VALUES "
        "('upload_finish', gen_random_uuid(), 'parked', 12, "
        "'the store said no')")
    yield person
    person.server.sql("DELETE FROM job WHERE state = 'parked'")


def fail_one(person):
    """An upload that is not what it was announced to be."""
    person.uploads.raw(b"x", headers={"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})


@pytest.fixture(name="stock")
def many_uploads(person):
    """120 uploads of different sizes, and one that failed."""
    for number in range(120):
        person.uploads.stage(b"x" * (500 - number), f"file-{number:03}.csv",
                             label=f"number {number:03}")
    fail_one(person)
    person.server.sql("UPDATE upload SET created = created - interval '1 day' "
                      "WHERE label = 'number 000'")


def test_a_password_opens_and_a_wrong_one_says_nothing_more(person):
    told = person.walks("signInAndOut")
    assert told["refusal"] == "That was not accepted. Check what you have entered."
    assert {cookie["name"] for cookie in told["cookies"]} == \
        {"staging", "staging-browser"}
    for cookie in told["cookies"]:
        assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
    assert not told["seen"]
    assert told["address"].endswith("#/uploads")


def test_a_key_opens_and_is_not_kept(person):
    told = person.walks("signInWithKey", key=person.key)
    assert person.key not in told["kept"]
    assert told["ways"] == ["Sign out", "Sign out everywhere"]


def test_a_key_that_only_reads_signs_out_no_other_browser(person):
    key = person.server.key(person.name, "--scope", "read")
    assert person.walks("signInWithKey", key=key)["ways"] == ["Sign out"]


def test_a_link_opens_once_and_leaves_the_address(person):
    link = person.server.ctl("link", person.name, "--base",
                             person.server.url).stdout.strip()
    person.server.secret(link.split("#link=")[1])
    told = person.walks("signInWithLink", link=link)
    assert "link" not in told["address"]
    assert told["refusal"]


@pytest.mark.once
def test_nobody_needs_a_mouse(person):
    told = person.walks("signInByKeyboard")
    assert told["path"][0] == "Skip to the content"


def test_uploads_are_found_among_many(person, stock):
    told = person.walks("findInTheList")
    assert told["first"][:2] == ["data.bin", "number 119"]
    assert len(told["first"]) == len(told["second"]) == 50
    assert not set(told["first"]) & set(told["second"])
    assert told["count"] == "1 to 50 of 121"
    assert told["smallest"][:2] == ["data.bin", "number 119"]
    assert told["found"] == ["number 007"]
    assert "q=there" in told["address"]


def test_many_are_deleted_after_a_question(person, stock):
    told = person.walks("deleteMany")
    assert "Delete 50 uploads?" in told["question"]
    left = {entry["label"] for entry in person.uploads.list()}
    assert left == {"data.bin"} | {f"number {number:03}" for number in range(70)}


def test_all_of_an_upload_can_be_read_copied_and_downloaded(person):
    data = b"site,day,metres\n" * 100
    upload = person.uploads.stage(data, "it's <a> file.csv", label="Levels & more")
    upload = person.uploads.settled(upload["id"])
    told = person.walks("readAllOfOne", upload=upload["id"])
    assert told["copied"]["SHA-256"] == hashlib.sha256(data).hexdigest()
    assert told["copied"]["Data URL"] == \
        f"{person.server.url}/upload/{upload['id']}/data"
    assert "-o 'it'\\''s <a> file.csv'" in told["copied"]["curl"]
    assert "<objectName>it&#39;s &#60;a&#62; file.csv</objectName>" \
        in told["copied"]["EML"]
    assert Path(told["path"]).read_bytes() == data
    assert "1,600 bytes" in told["text"]
    assert "Stored" in told["text"]
    assert told["address"].endswith("#/uploads")


def test_a_key_is_made_shown_once_and_revoked(person):
    keys = []

    def use_the_key(told):
        keys.append(person.server.secret(told["key"]))
        assert person.uploads.at("/upload").request(
            "GET", headers={"Authorization": "Bearer " + keys[0]}
        ).status_code == 200

    told = person.walks("keepKeys", answer=use_the_key, label="Control room")
    assert told["copied"] == keys[0]
    assert not told["isShownAgain"]
    person.server.wait(lambda: person.uploads.request(
        "GET", headers={"Authorization": "Bearer " + keys[0]}
    ).status_code == 401)


@pytest.mark.once
def test_it_speaks_german_and_french(person):
    person.uploads.stage()
    assert person.walks("speakLanguages")["heads"] == \
        {"de": "de", "fr": "fr", "en": "en"}


@pytest.mark.once
@pytest.mark.parametrize("language, width, name, is_open", [
    ("en-GB", 1280, "On this page", True),
    ("de-AT", 390, "Auf dieser Seite", False),
    ("fr-FR", 320, "Sur cette page", False)])
def test_the_contents_lead_to_every_part_of_the_api(person, language, width,
                                                    name, is_open):
    told = person.walks("findInTheApi", language=language,
                        viewport={"width": width, "height": 800})
    assert (told["name"], told["open"]) == (name, 4 if is_open else 0)
    operations = {
        f"{path.stem}.{operation['operationId']}"
        for path in (TOP / "htdocs/openapi").glob("*.yaml")
        for item in yaml.safe_load(path.read_text())["paths"].values()
        for operation in item.values() if "operationId" in operation}
    assert operations and operations <= set(told["links"])
    assert not told["broken"] and not told["missing"]
    assert told["next"]


def test_an_operator_sees_the_service_and_retries_what_is_parked(operator):
    told = operator.walks("operate")
    for text in ("Uploads arriving", "Nodes", "the store said no"):
        assert text in told["text"]
    operator.server.wait(lambda: not operator.server.sql(
        "SELECT 1 FROM job WHERE state = 'parked'"))


@pytest.mark.once
def test_nobody_else_sees_it(person):
    told = person.walks("readOutOfBounds")
    assert told["links"] == ["Upload", "My uploads", "Keys", "API"]
    assert told["address"].endswith("#/upload")


@pytest.mark.once
def test_the_first_load_is_small(person):
    told = person.walks("weigh")
    print(told["bytes"], told["files"])
    assert told["bytes"] < LIMIT


@pytest.mark.once
def test_longer_words_fit_a_small_screen(operator):
    operator.uploads.settled(operator.uploads.stage()["id"])
    assert len(operator.walks("lookAbroad")["seen"]) == 12


@pytest.mark.once
@pytest.mark.parametrize("look", ["desk-light", "phone-dark", "small"])
def test_no_view_in_any_state_keeps_anybody_out(operator, look):
    for number in range(4):
        operator.uploads.stage(label=f"number {number}")
    fail_one(operator)
    told = operator.walks("lookAtAll", operator=True, look=look)
    assert len(told["seen"]) == 19
