# SPDX-License-Identifier: Apache-2.0
"""Lists as a person wants them: in any order, searched, counted, and with many
entries deleted at once. Who does not ask for that sees nothing of it."""

import concurrent.futures
import time
import uuid

import psycopg2
import pytest

from clients import Client
from test_101_list import add_rows, link_of, owner_of

SORTS = [minus + key for key in ("created", "filename", "size", "expires")
         for minus in ("", "-")]
QUICK = 0.25  # seconds for a page of a list
NAMES = ["b.csv", "A.csv", "a.csv", "Ä.txt", "10.dat", "9.dat", "B.csv"]


def pages(client, query, limit=2):
    """All entries, by a walk through pages."""
    entries, query = [], f"?limit={limit}&{query}"
    while query:
        response = client.request("GET", query)
        assert response.status_code == 200, response.text
        entries += response.json()
        assert len({one["id"] for one in entries}) == len(entries)
        query = link_of(response)
    return entries


def key_of(entry, sort):
    value = entry[sort.removeprefix("-")]
    if sort.endswith("filename"):
        return value.lower().encode()
    return -1 if value is None else value


@pytest.fixture(name="many")
def client_with_many(server, fresh):
    """Uploads of several sizes and ends, one of which failed."""
    for number, name in enumerate(NAMES):
        entry = fresh.stage(b"x" * (number * 7 % 5), name,
                            label=f"Nr. {number}")
        server.sql("UPDATE upload SET created = now() - make_interval("
                   "secs => %s), expires = now() + make_interval(secs => %s) "
                   "WHERE id = %s", number * 5 % 7, 900 - number * 3 % 7 * 60,
                   entry["id"])
    fresh.post(b"x", "bad.csv", label="failed", headers={
        "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    return fresh


@pytest.mark.parametrize("sort", SORTS)
def test_pages_of_every_order_join_to_the_whole(many, sort):
    whole = many.list("?sort=" + sort)
    assert len(whole) == len(NAMES) + 1
    keys = [key_of(entry, sort) for entry in whole]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert pages(many, "sort=" + sort) == whole
    assert pages(many, "sort=" + sort, 1) == whole


def test_the_usual_order_is_newest_first(many):
    assert many.list() == many.list("?sort=-created")


@pytest.mark.parametrize("sort", SORTS)
def test_entries_that_are_equal_are_neither_lost_nor_repeated(server, fresh,
                                                              sort):
    owner = owner_of(server, fresh)
    add_rows(server, owner, 7)
    server.sql("UPDATE upload SET created = date_trunc('second', now()) "
               "WHERE owner = %s", owner)
    ids = [entry["id"] for entry in pages(fresh, "sort=" + sort, 3)]
    assert len(ids) == len(set(ids)) == 7
    server.sql("DELETE FROM upload WHERE owner = %s", owner)


@pytest.mark.parametrize("sort", SORTS)
def test_what_is_deleted_does_not_shift_a_page(many, sort):
    whole = many.list("?sort=" + sort)
    first = many.request("GET", f"?limit=3&sort={sort}")
    for entry in first.json():
        many.delete(entry["id"])
    rest = many.request("GET", link_of(first).replace("limit=3", "limit=9"))
    assert first.json() + rest.json() == whole


def test_names_of_any_length_have_a_place(fresh):
    names = ["ö" * 90 + str(n) + "ö" * 120 + ".csv" for n in range(3)]
    for name in names:
        fresh.stage(b"x", name)
    assert [e["filename"] for e in pages(fresh, "sort=filename", 1)] == names


def test_no_name_is_behind_the_last(fresh):
    names = ["a.csv", "\U0010ffff.csv", "\U0010ffff\U0010ffff.csv"]
    for name in names:
        fresh.stage(b"x", name)
    found = [e["filename"] for e in pages(fresh, "sort=filename", 1)]
    assert found == names
    assert [e["filename"] for e in pages(fresh, "sort=-filename", 1)] == \
        names[::-1]


@pytest.mark.parametrize("query, found", [
    ("a.csv", ["A.csv", "a.csv"]), ("A.CSV", ["A.csv", "a.csv"]),
    ("ä", ["Ä.txt"]), ("nr. 3", ["Ä.txt"]), ("BAD", ["bad.csv"]),
    (".dat", ["10.dat", "9.dat"]), ("%", []), ("_", []), ("\\", []),
    ("' OR ''='", []), ("nothing of that", [])])
def test_a_search_finds_text_in_label_and_name(many, query, found):
    response = many.session.get(many.url(), params={"q": query}, timeout=20)
    assert response.status_code == 200
    assert sorted(e["filename"] for e in response.json()) == sorted(found)


@pytest.mark.parametrize("character", "%_\\")
def test_what_is_special_in_patterns_is_found_as_it_is(fresh, character):
    fresh.stage(label=f"before{character}behind")
    fresh.stage(label="before.behind")
    response = fresh.session.get(
        fresh.url(), params={"q": f"e{character}b"}, timeout=20)
    assert [e["label"] for e in response.json()] == \
        [f"before{character}behind"]


def test_the_next_link_keeps_search_order_and_filter(many):
    query = "q=.csv&sort=-filename&status=success"
    entries = pages(many, query, 1)
    assert [e["filename"] for e in entries] == \
        [e["filename"] for e in many.list("?" + query)]
    assert len(entries) == 4


def test_a_search_that_a_link_must_quote_goes_on(fresh):
    for _ in range(3):
        fresh.stage(label='100 % <"of"> a&b=c+d')
    response = fresh.session.get(fresh.url(), timeout=20, params={
        "q": '% <"of"> a&b=c+', "limit": 1})
    seen = response.json()
    while link_of(response):
        response = fresh.request("GET", link_of(response))
        seen += response.json()
    assert len({entry["id"] for entry in seen}) == 3


def test_a_count_is_told_to_who_asks(many):
    assert "X-Total-Count" not in many.request("GET").headers
    for query, count in (("", "8"), ("&limit=1", "8"), ("&q=.dat", "2"),
                         ("&status=failure", "1"), ("&q=nothing", "0")):
        response = many.request("GET", "?count=yes" + query)
        assert response.headers["X-Total-Count"] == count


def test_a_count_ends_somewhere(server, fresh):
    owner = owner_of(server, fresh)
    add_rows(server, owner, 10001)
    response = fresh.request("GET", "?count=yes&limit=1")
    assert response.headers["X-Total-Count"] == "10000+"
    server.sql("DELETE FROM upload WHERE id = (SELECT id FROM upload "
               "WHERE owner = %s LIMIT 1)", owner)
    response = fresh.request("GET", "?count=yes&limit=1")
    assert response.headers["X-Total-Count"] == "10000"
    server.sql("DELETE FROM upload WHERE owner = %s", owner)


def test_what_is_unfinished_is_listed_by_its_own_end(any_tus):
    client = any_tus.uploads
    done = [client.stage()["id"] for _ in range(2)]
    unfinished = any_tus.create(10, body=b"12345").rsplit("/")[-1]
    ids = [e["id"] for e in pages(client, "sort=expires", 1)]
    assert ids.index(unfinished) < min(ids.index(one) for one in done)
    assert ids[::-1] == [e["id"] for e in pages(client, "sort=-expires", 1)]
    sizes = [e["id"] for e in client.list("?sort=-size&status=pending")]
    assert unfinished in sizes
    client.delete(unfinished)


def quickest(client, query):
    """(answer, seconds) of the quickest of some: what is slow by itself is so
    each time, and what had to wait for others is not."""
    answers = []
    while not answers or (len(answers) < 5 and
                          answers[-1].elapsed.total_seconds() > QUICK):
        answers.append(client.request("GET", query))
    return answers[-1], min(one.elapsed.total_seconds() for one in answers)


def test_pages_stay_quick_with_100000_uploads(server, fresh):
    """Also those far behind, in any order, and rare and frequent words."""
    owner = owner_of(server, fresh)
    server.sql(
        "INSERT INTO upload (id, service, owner, label, filename, size, "
        "content_type, status, created, expires) SELECT gen_random_uuid(), "
        "'staging', %s, 'row ' || n, md5(n::text) || '.csv', "
        "n * 7919 %% 99991, 'text/plain', CASE WHEN n %% 1000 = 0 "
        "THEN 'failure' ELSE 'success' END, "
        "now() - make_interval(secs => n), "
        "now() + make_interval(secs => 9000 + n) "
        "FROM generate_series(1, 100000) AS n", owner)
    server.sql("ANALYZE upload")
    slow = {}
    for sort in SORTS:
        for query in ("", "&q=csv", "&q=row+77777", "&q=abcdef",
                      "&status=failure", "&status=pending"):
            page = f"?limit=50&sort={sort}{query}"
            for _ in range(3):
                response, taken = quickest(fresh, page)
                if taken > QUICK:
                    slow[page] = taken
                page = link_of(response)
                if not page:
                    break
    server.sql("DELETE FROM upload WHERE owner = %s", owner)
    assert not slow


SLOW_SEARCH = "?limit=1&q=" + 250 * "a" + "c"
TOO_LONG = "BUSY.*upload_page_created_down: 57014"


@pytest.fixture(scope="module", name="slow")
def client_whose_searches_are_slow(server):
    """In each of these texts SLOW_SEARCH begins almost everywhere."""
    slow = Client(server, "/upload", server.key("slow"))
    owner = owner_of(server, slow)
    add_rows(server, owner, 40000)
    server.sql("UPDATE upload SET label = repeat('a', 255), filename = "
               "repeat(repeat('a', 250) || 'b', 4) || 'aac' WHERE owner = %s",
               owner)
    yield slow
    server.sql("DELETE FROM upload WHERE owner = %s", owner)


def test_a_search_that_takes_too_long_is_ended(server, slow):
    server.log.expect(TOO_LONG)
    response = slow.request("GET", SLOW_SEARCH)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.elapsed.total_seconds() < 8
    assert len(slow.list("?limit=1")) == 1


def test_nobody_searches_more_than_four_times_at_once(server, slow, bob):
    server.log.expect(TOO_LONG)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        searches = [pool.submit(slow.request, "GET", SLOW_SEARCH)
                    for _ in range(5)]
        answers = concurrent.futures.as_completed(searches)
        refused = next(answers).result()
        assert bob.request("GET", "?q=a").status_code == 200
        ended = [answer.result() for answer in answers]
    assert refused.status_code == 429
    assert "four searches of yours" in refused.json()["detail"]
    assert int(refused.headers["Retry-After"]) > 0
    assert [answer.status_code for answer in ended] == 4 * [503]
    assert slow.request("GET", "?q=none").status_code == 200


# --- many at once ------------------------------------------------------------

def delete_many(client, ids):
    response = client.request("POST", "/delete", json={"ids": ids})
    assert response.status_code == 200, response.text
    return [(one["id"], one["status"]) for one in response.json()["results"]]


def test_many_uploads_are_deleted_at_once(server, fresh, bob):
    mine = [fresh.stage(label=str(n))["id"] for n in range(4)]
    others = bob.stage()["id"]
    missing = str(uuid.uuid4())
    assert delete_many(fresh, [mine[2], others, mine[0], missing]) == [
        (mine[2], 204), (others, 404), (mine[0], 204), (missing, 404)]
    assert {e["id"] for e in fresh.list()} == {mine[1], mine[3]}
    assert bob.get(others).status_code == 200
    server.ctl("gc")
    server.wait(lambda: not server.sql(
        "SELECT FROM object JOIN upload ON upload.object = object.id "
        "WHERE state = 'deleting'"))


def test_deleting_nothing_is_done_at_once(fresh):
    assert delete_many(fresh, []) == []


def test_an_unfinished_upload_among_many_is_gone_for_both(any_tus):
    upload = any_tus.create(10, body=b"12345")
    name = upload.rsplit("/")[-1]
    assert delete_many(any_tus.uploads, [name]) == [(name, 204)]
    assert any_tus.head(upload).status in (404, 410)


@pytest.mark.parametrize("body", [
    b"", b"[]", b"{}", b'{"ids": 1}', b'{"ids": [1]}', b'{"ids": ["x"]}',
    b'{"ids": null}', b'{"ids": [], "ids": []}', b'{"ids": [',
    b'{"ids": ["00000000-0000-4000-8000-00000000000G"]}'])
def test_a_list_of_ids_that_is_none_is_400(fresh, body):
    entry = fresh.stage()
    response = fresh.request("POST", "/delete", data=body, headers={
        "Content-Type": "application/json"})
    assert response.status_code == 400, response.text
    assert fresh.get(entry["id"]).status_code == 200


def test_more_ids_than_a_thousand_are_refused(fresh):
    ids = [str(uuid.uuid4()) for _ in range(1001)]
    assert len(delete_many(fresh, ids[:1000])) == 1000
    response = fresh.request("POST", "/delete", json={"ids": ids})
    assert response.status_code == 400
    assert response.json()["problems"][0]["field"] == "ids"


def test_a_form_of_another_page_deletes_nothing(fresh):
    entry = fresh.stage()
    for kind in ("text/plain", "application/x-www-form-urlencoded",
                 "multipart/form-data", "application/jsonx"):
        response = fresh.request(
            "POST", "/delete", data=f'{{"ids": ["{entry["id"]}"]}}',
            headers={"Content-Type": kind})
        assert response.status_code == 415
    assert fresh.get(entry["id"]).status_code == 200


# --- the history -------------------------------------------------------------

def events(client, upload):
    response = client.request("GET", f"/{upload}/events")
    assert response.status_code == 200, response.text
    return response.json()


def names(client, upload):
    return [one["event"] for one in events(client, upload)]


def test_the_history_of_an_upload_begins_with_its_creation(stager):
    entry = stager.settled(stager.stage()["id"])
    created, stored = events(stager, entry["id"])
    assert (created["event"], created["at"]) == ("created", entry["created"])
    assert (stored["event"], stored["count"], stored["detail"]) == \
        ("stored", 1, None)


def test_an_upload_in_parts_has_been_received_before_it_is_stored(s3):
    entry = s3.stage(bytes(12 << 20))
    s3.settled(entry["id"])
    assert names(s3, entry["id"]) in (["created", "stored"],
                                      ["created", "received", "stored"])


def test_a_failure_says_why_in_the_history(fresh):
    fresh.post(headers={"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    entry = fresh.list()[0]
    failed = events(fresh, entry["id"])[-1]
    assert (failed["event"], failed["detail"]) == ("failed", entry["message"])


def test_downloads_are_counted_with_their_first_and_last(stager):
    entry = stager.settled(stager.stage()["id"])
    assert "downloaded" not in names(stager, entry["id"])
    stager.data(entry["id"], "HEAD")
    assert "downloaded" not in names(stager, entry["id"])
    for _ in range(3):
        assert stager.download(entry["id"]).status_code == 200
    found = events(stager, entry["id"])[-1]
    assert (found["event"], found["count"]) == ("downloaded", 3)
    assert entry["created"] <= found["at"] <= found["last"]


def test_who_comes_back_after_a_while_has_resumed(server, any_tus):
    upload = any_tus.create(10, body=b"123")
    name = upload.rsplit("/")[-1]
    assert any_tus.patch(upload, 3, b"4").status == 204
    assert names(any_tus.uploads, name) == ["created"]
    server.sql("UPDATE part_upload SET expires = part_upload.expires - "
               "interval '1 hour' FROM upload WHERE upload.id = %s "
               "AND upload.object = part_upload.object", name)
    assert any_tus.head(upload).status in (200, 204)
    assert any_tus.patch(upload, 4, b"567890").status == 204
    any_tus.uploads.settled(name)
    history = events(any_tus.uploads, name)
    assert [one["event"] for one in history] == \
        ["created", "resumed", "received", "stored"]
    assert history[1]["count"] == 1


def test_what_is_not_continued_in_time_says_so_in_its_history(server,
                                                              any_tus):
    upload = any_tus.but(path="/resumable-idle").create(10, body=b"123")
    name = upload.rsplit("/")[-1]
    server.wait(lambda: names(any_tus.uploads, name) == ["created", "failed"],
                30)
    failed = events(any_tus.uploads, name)[-1]
    assert failed["detail"] == "the upload was not continued in time"


def while_being_deleted(server, upload, action, *arguments):
    """The answer to a request that meets the deletion of an upload."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with psycopg2.connect(server.dsn) as other, other.cursor() as rows:
            rows.execute("DELETE FROM upload WHERE id = %s "
                         "RETURNING object_delete(object)", (upload,))
            answer = pool.submit(action, *arguments)
            time.sleep(1)
        other.close()
        return answer.result(20)


def test_what_is_deleted_while_it_is_asked_for_has_no_history(server, stager):
    entry = stager.settled(stager.stage()["id"])
    answer = while_being_deleted(server, entry["id"], stager.data, entry["id"])
    assert answer.status_code in (200, 302, 404)
    assert stager.data(entry["id"]).status_code == 404


def test_what_is_deleted_while_it_is_resumed_has_no_history(server, any_tus):
    upload = any_tus.create(10, body=b"123")
    name = upload.rsplit("/")[-1]
    server.sql("UPDATE part_upload SET expires = part_upload.expires - "
               "interval '1 hour' FROM upload WHERE upload.id = %s "
               "AND upload.object = part_upload.object", name)
    answer = while_being_deleted(server, name, any_tus.patch, upload, 3, b"4")
    assert answer.status in (204, 404, 410)
    assert any_tus.delete(upload).status in (204, 410)


def test_an_upload_that_is_gone_has_no_history(fresh):
    entry = fresh.stage()
    fresh.delete(entry["id"])
    assert fresh.request("GET", f"/{entry['id']}/events").status_code == 404


def test_the_history_goes_with_the_upload(server, fresh):
    entry = fresh.at("/short").stage()
    assert names(fresh, entry["id"])
    server.wait(lambda: server.sql(
        "SELECT count(*) FROM upload_event WHERE upload = %s",
        entry["id"])[0][0] == 0, 20)
