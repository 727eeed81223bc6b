# SPDX-License-Identifier: Apache-2.0
"""GET: the list of one's uploads, whole or page by page."""

import re
import uuid

import pytest
import requests

MANY = 20000


def link_of(response):
    """The query of rel="next", None if there is none."""
    link = response.headers.get("Link")
    if not link:
        return None
    match = re.fullmatch(r'<[^?>]*(\?[^>]*)>; rel="next"', link)
    assert match, link
    return match.group(1)


def owner_of(server, client):
    entry = client.stage()
    owner = server.sql("SELECT owner FROM upload WHERE id = %s",
                       entry["id"])[0][0]
    client.delete(entry["id"])
    return owner


def add_rows(server, owner, count, status="failure"):
    """Uploads without objects, as failed ones are, a second apart."""
    server.sql(
        "INSERT INTO upload (id, service, owner, label, filename, "
        "content_type, status, created, expires) SELECT gen_random_uuid(), "
        "'staging', %s, 'row ' || n, 'f', 'text/plain', %s, "
        "now() - make_interval(secs => n), now() + interval '1 day' "
        "FROM generate_series(1, %s) AS n", owner, status, count)


def test_who_has_nothing_gets_an_empty_array(fresh):
    response = fresh.request("GET")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == []


def test_the_list_is_newest_first(fresh):
    ids = [fresh.stage(label=str(n))["id"] for n in range(5)]
    assert [entry["id"] for entry in fresh.list()] == ids[::-1]


def test_the_list_is_private(fresh):
    response = fresh.request("GET")
    assert "private" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_slash_at_the_end_changes_nothing(fresh):
    fresh.stage()
    assert fresh.list("/") == fresh.list()


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_join_to_the_whole(fresh, limit):
    for number in range(5):
        fresh.stage(label=str(number))
    whole, pages, query = fresh.list(), [], f"?limit={limit}"
    while query:
        response = fresh.request("GET", query)
        assert len(response.json()) <= limit
        pages += response.json()
        query = link_of(response)
    assert pages == whole


def test_what_comes_in_between_does_not_shift_a_page(fresh):
    ids = [fresh.stage()["id"] for _ in range(4)]
    first = fresh.request("GET", "?limit=2")
    fresh.stage(label="in between")
    second = fresh.request("GET", link_of(first))
    assert [entry["id"] for entry in first.json() + second.json()] == ids[::-1]


def test_rows_of_the_same_instant_are_neither_lost_nor_repeated(server,
                                                                fresh):
    owner = owner_of(server, fresh)
    add_rows(server, owner, 7)
    server.sql("UPDATE upload SET created = date_trunc('second', now()) "
               "WHERE owner = %s", owner)
    seen, query = [], "?limit=2"
    while query:
        response = fresh.request("GET", query)
        seen += [entry["id"] for entry in response.json()]
        query = link_of(response)
    assert len(seen) == len(set(seen)) == 7
    server.sql("DELETE FROM upload WHERE owner = %s", owner)


def test_the_next_link_keeps_the_filter(server, fresh):
    owner = owner_of(server, fresh)
    add_rows(server, owner, 3)
    add_rows(server, owner, 3, "success")
    seen, query = [], "?limit=1&status=failure"
    while query:
        response = fresh.request("GET", query)
        seen += response.json()
        query = link_of(response)
    assert [entry["status"] for entry in seen] == ["failure"] * 3
    server.sql("DELETE FROM upload WHERE owner = %s", owner)


def test_the_next_link_holds_no_credential(server, fresh):
    fresh.stage()
    fresh.stage()
    response = requests.get(server.url + "/upload", timeout=20, params={
        "key": fresh.bearer, "limit": 1})
    assert fresh.bearer not in response.headers["Link"]
    assert "key" not in response.headers["Link"]


def test_status_filters(server, fresh):
    fresh.stage(label="good")
    add_rows(server, owner_of(server, fresh), 1)
    assert [e["label"] for e in fresh.list("?status=success")] == ["good"]
    assert [e["label"] for e in fresh.list("?status=failure")] == ["row 1"]
    assert fresh.list("?status=pending") == []
    server.sql("DELETE FROM upload WHERE label = 'row 1'")


@pytest.mark.parametrize("query", [
    "?limit=0", "?limit=-1", "?limit=x", "?limit=1001", "?limit=1e3",
    "?limit=", "?limit=99999999999999999999", "?limit=1&limit=2",
    "?status=done", "?status=", "?status=success&status=success",
    "?after=x", "?after=1." + str(uuid.uuid4())[:-1], "?after=%00",
    "?after=99999999999999999999999." + str(uuid.uuid4()),
    "?after=-1." + str(uuid.uuid4()), "?limit=%zz",
    "?sort=", "?sort=label", "?sort=+created", "?sort=size&sort=size",
    "?count=", "?count=no", "?count=yes&count=yes", "?q=a&q=b",
    "?q=" + 256 * "x", "?q=%ff", "?sort=size&after=x." + str(uuid.uuid4()),
    "?sort=filename&after=" + 401 * "x" + "." + str(uuid.uuid4())])
def test_a_wrong_parameter_is_400(fresh, query):
    response = fresh.request("GET", query)
    assert response.status_code == 400, response.text
    assert "detail" in response.json()


def test_unknown_parameters_are_ignored(fresh):
    assert fresh.list("?colour=green&colour=blue") == []


def test_locations_of_one_service_show_the_same_uploads(fresh):
    entry = fresh.stage()
    assert [e["id"] for e in fresh.at("/small").list()] == [entry["id"]]
    assert fresh.at("/otherservice").list() == []
    assert fresh.at("/otherservice").get(entry["id"]).status_code == 404


def test_head_of_the_list_has_no_body(fresh):
    response = fresh.request("HEAD")
    assert (response.status_code, response.content) == (200, b"")


def test_a_long_list_streams_in_constant_memory(server, fresh):
    owner = owner_of(server, fresh)
    add_rows(server, owner, MANY)
    fresh.list("?limit=1000")
    before = server.memory()
    with fresh.request("GET", stream=True) as response:
        assert response.status_code == 200
        assert response.headers["Transfer-Encoding"] == "chunked"
        entries = response.json()
    grown = server.memory() - before
    assert [e["label"] for e in entries] == \
        [f"row {n}" for n in range(1, MANY + 1)]
    assert grown < 4096, f"{grown} KiB for {MANY} rows"
    server.sql("DELETE FROM upload WHERE owner = %s", owner)


def test_a_client_that_leaves_a_long_list_harms_nobody(server, fresh):
    owner = owner_of(server, fresh)
    add_rows(server, owner, MANY)
    with server.connect() as connection:
        connection.request("GET", "/upload", {
            "Authorization": "Bearer " + fresh.bearer})
        assert connection.status_line() == "HTTP/1.1 200 OK"
        connection.reset()
    server.sql("DELETE FROM upload WHERE owner = %s", owner)
    assert fresh.list() == []
