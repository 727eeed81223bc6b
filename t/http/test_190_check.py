# SPDX-License-Identifier: Apache-2.0
"""Every difference that stagingctl check knows is made by hand, seen by its
own words, and mended where that is promised. The server rests meanwhile, for
it would mend some of them itself."""

import uuid

import boto3
import pytest
from botocore.config import Config

import configuration
from clients import Client
from stack import Node

PATHS = {"/upload": "main", "/s3": "s3"}
SPARES = {"/upload": 36, "/s3": 10}  # uploads for tests to take


class Files:
    """What is in the file store, behind the module's back."""

    def __init__(self, server):
        self.dir = server.dir / "file"

    def path(self, object_):
        return self.dir / "objects" / object_[:2] / object_

    def has(self, object_):
        return self.path(object_).exists()

    def write(self, object_, data):
        self.remove(object_)
        self.path(object_).write_bytes(data)

    def remove(self, object_):
        self.path(object_).unlink(missing_ok=True)

    def begin(self, object_):
        """A temporary file, as the store leaves it when a process dies."""
        (self.dir / "tmp" / object_).write_bytes(b"half of it")

    def has_begun(self, object_):
        return (self.dir / "tmp" / object_).exists()


class Bucket:
    """The same of S3."""

    def __init__(self, server):
        env = server.s3
        self.s3 = boto3.client(
            "s3", endpoint_url=env["STAGING_S3_ENDPOINT"],
            aws_access_key_id=env["STAGING_S3_ACCESS_KEY"],
            aws_secret_access_key=env["STAGING_S3_SECRET_KEY"],
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}))
        self.bucket = env["STAGING_S3_BUCKET"]

    def at(self, object_):
        return {"Bucket": self.bucket,
                "Key": f"tests/{object_[:2]}/{object_}"}

    def has(self, object_):
        return bool(self.s3.list_objects_v2(
            Bucket=self.bucket, Prefix=self.at(object_)["Key"])["KeyCount"])

    def write(self, object_, data):
        self.s3.put_object(Body=data, **self.at(object_))

    def remove(self, object_):
        self.s3.delete_object(**self.at(object_))

    def begin(self, object_):
        """Parts of an upload that nobody completes."""
        begun = self.s3.create_multipart_upload(**self.at(object_))
        self.s3.upload_part(UploadId=begun["UploadId"], PartNumber=1,
                            Body=b"half of it", **self.at(object_))

    def has_begun(self, object_):
        return "Uploads" in self.s3.list_multipart_uploads(
            Bucket=self.bucket, Prefix=self.at(object_)["Key"])


@pytest.fixture(scope="module", name="spares")
def uploads_of_a_server_at_rest(server, alice_key):
    """Uploads in each store, by location, and nobody at work."""
    server.ctl("gc")
    spares = {path: [Client(server, path, alice_key).stage(b"as it was")["id"]
                     for _ in range(count)]
              for path, count in SPARES.items() if server.s3 or path != "/s3"}
    server.node.stop()
    yield spares
    server.node.start(configuration.httpd(server, server.node))


class Plant:
    """One upload in a store, and what is done to it."""

    def __init__(self, server, path, upload):
        self.server = server
        self.store = PATHS[path]
        self.upload = upload
        self.object = str(server.row(upload)[2])
        self.bytes = Bucket(server) if path == "/s3" else Files(server)

    def update(self, table, change, *values):
        """Something that no statement of ours does."""
        self.server.sql(f"UPDATE {table} SET {change} WHERE id = %s", *values,
                        getattr(self, table))

    def add_job(self, **columns):
        names = ", ".join(("kind", "subject", *columns))
        self.server.sql(
            f"INSERT INTO job ({names}) VALUES ('upload_finish', %s"
            + ", %s" * len(columns) + ")", self.object, *columns.values())

    def is_finishing(self):
        self.update("object", "state = 'finishing', parts_id = 'x'")
        self.update("upload", "status = 'pending'")

    def add_node(self):
        """One that lives, on another machine."""
        node = str(uuid.uuid4())
        self.server.sql("INSERT INTO node (id, host, pid, expires) "
                        "VALUES (%s, 'elsewhere', 1, 'tomorrow')", node)
        return node

    def status(self):
        return self.server.row(self.upload)[0]

    def drop(self):
        """As if it had been deleted properly; its bytes are garbage."""
        self.server.sql("DELETE FROM node WHERE host = 'elsewhere'")
        self.server.sql("DELETE FROM job")
        self.server.sql("DELETE FROM upload WHERE id = %s", self.upload)
        self.update("object", "state = 'deleting', receiver = NULL")


def planted(server, path, spares):
    plant = Plant(server, path, spares[path].pop())
    yield plant
    plant.drop()


@pytest.fixture(name="plant")
def plant_in_a_store(server, store_path, spares):
    yield from planted(server, store_path, spares)


@pytest.fixture(name="row")
def plant_of_rows(server, spares):
    """One store is enough for what is in the database alone."""
    yield from planted(server, "/upload", spares)


def check(server, *options):
    """Exit status and lines of a check."""
    done = server.ctl("check", *options, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout.splitlines()


def is_reported(plant, what, about=None, options=()):
    """As the one difference there is."""
    code, lines = check(plant.server, *options)
    assert code == 1
    assert len(lines) == 1, lines
    assert lines[0].endswith(f" {what}")
    assert (about or plant.object) in lines[0]


def is_mended(plant, what, about=None, options=()):
    is_reported(plant, what, about, options)
    is_reported(plant, what, about, ["--repair", *options])
    assert check(plant.server, *options) == (0, [])


# --- rows and bytes -----------------------------------------------------------

def test_lost_bytes_are_found(plant):
    plant.bytes.remove(plant.object)
    is_mended(plant, "the bytes were lost")
    assert plant.status() == "failure"


def test_lost_bytes_are_found_by_reading_too(plant):
    plant.bytes.remove(plant.object)
    is_mended(plant, "the bytes were lost", options=["--deep"])
    assert plant.status() == "failure"


def test_bytes_without_a_row_are_found(plant):
    stray = str(uuid.uuid4())
    plant.bytes.write(stray, b"stray")
    is_mended(plant, "an object without a row", stray)
    assert not plant.bytes.has(stray)
    assert plant.bytes.has(plant.object)


def test_another_size_is_found(plant):
    plant.bytes.write(plant.object, b"as it is now")
    is_mended(plant, "the bytes have another size")
    assert plant.status() == "failure"


def test_other_bytes_of_the_same_size_are_found_by_reading(plant):
    plant.bytes.write(plant.object, b"as it is.")
    assert check(plant.server) == (0, [])
    is_mended(plant, "the bytes are damaged", options=["--deep"])
    assert plant.status() == "failure"


def test_unfinished_bytes_without_a_row_are_found(plant):
    stray = str(uuid.uuid4())
    plant.bytes.begin(stray)
    assert plant.bytes.has_begun(stray)
    is_mended(plant, "unfinished bytes without a row", stray)
    assert not plant.bytes.has_begun(stray)


def test_unfinished_bytes_beside_an_object_are_found(plant):
    plant.bytes.begin(plant.object)
    is_mended(plant, "unfinished bytes beside a stored object")
    assert not plant.bytes.has_begun(plant.object)
    assert plant.bytes.has(plant.object)
    assert plant.status() == "success"


def test_what_is_not_of_our_making_is_left_alone(server, spares):
    if not server.s3:
        pytest.skip("in a directory it is not even looked at")
    plant = Plant(server, "/s3", spares["/s3"].pop())
    foreign = {"Bucket": plant.bytes.bucket, "Key": "tests/notes.txt"}
    plant.bytes.s3.put_object(Body=b"foreign", **foreign)
    is_reported(plant, "not of our making, and left alone", "notes.txt",
                ["--repair"])
    plant.bytes.s3.delete_object(**foreign)


def test_an_object_that_another_store_has_is_left_alone(plant):
    """As when one place has two names, of which one is gone."""
    plant.update("object", "store = 'gone'")
    code, lines = check(plant.server, "--repair")
    assert code == 1
    assert sorted(lines) == [
        "gone - a store that is not configured has objects",
        f"{plant.store} {plant.object[:2]}/{plant.object} "
        "an object that belongs to another store"]
    plant.update("object", "store = %s", plant.store)
    assert check(plant.server) == (0, [])
    assert plant.bytes.has(plant.object)


# --- rows and rows ------------------------------------------------------------

def test_an_object_that_nobody_receives_any_more_is_found(plant):
    plant.update("object", "state = 'receiving', receiver = %s",
                 str(uuid.uuid4()))
    plant.update("upload", "status = 'pending'")
    is_mended(plant, "the server that received it is gone")
    assert plant.status() == "failure"
    assert plant.server.row(plant.upload)[1]


def test_parts_that_no_job_finishes_are_found(row):
    row.is_finishing()
    is_mended(row, "no job finishes its parts")
    assert row.server.sql("SELECT state, attempts FROM job WHERE subject = %s",
                          row.object) == [("ready", 0)]


@pytest.mark.parametrize("job", [
    {"state": "parked"}, {"run_after": "yesterday"}], ids=str)
def test_a_job_without_parts_to_finish_is_found(row, job):
    row.add_job(**job)
    is_mended(row, "a job has nothing to finish")
    assert not row.server.sql("SELECT FROM job")
    assert row.status() == "success"


def test_a_job_of_a_server_that_is_gone_is_found(row):
    row.is_finishing()
    row.add_job(state="running", owner=str(uuid.uuid4()), expires="yesterday")
    is_mended(row, "the server that ran its job is gone")
    assert row.server.sql("SELECT state, owner FROM job") == [("ready", None)]


@pytest.mark.parametrize("claim", ["lease", "node"])
def test_a_job_is_its_claimers_as_long_as_one_of_both_holds(row, claim):
    row.is_finishing()
    if claim == "node":
        row.add_job(state="running", owner=row.add_node(),
                    expires="yesterday")
    else:
        row.add_job(state="running", owner=str(uuid.uuid4()),
                    expires="tomorrow")
    assert check(row.server) == (0, [])


def test_a_parked_job_is_told_but_no_difference(row):
    row.is_finishing()
    row.add_job(state="parked", last_error="it refused")
    done = row.server.ctl("check")
    assert "1 jobs are parked" in done.stderr and not done.stdout
    row.server.sql("UPDATE job SET state = 'ready'")
    assert "parked" not in row.server.ctl("check").stderr


@pytest.mark.parametrize("state, lacks", [
    ("stored", "size"), ("stored", "md5 = NULL, sha1 = NULL, sha256"),
    ("finishing", "size"), ("finishing", "parts_id")])
def test_a_row_that_lacks_what_is_known_of_whole_objects_is_found(row, state,
                                                                 lacks):
    if state == "finishing":
        row.is_finishing()
        row.add_job()
    row.update("object", lacks + " = NULL")
    code, lines = check(row.server)
    assert code == 1
    assert f"main {row.object} the row has no size, digests or parts" in lines


@pytest.mark.parametrize("state", ["receiving", "finishing", "stored"])
def test_an_object_of_no_upload_is_found(row, state):
    row.add_job()
    row.update("object", "state = %s, parts_id = 'x', receiver = %s", state,
               row.add_node())
    row.server.sql("DELETE FROM upload WHERE id = %s", row.upload)
    is_mended(row, "an object that belongs to no upload")
    # whoever receives it may do so to the end
    row.server.ctl("gc")
    assert row.bytes.has(row.object)
    row.server.sql("DELETE FROM node WHERE host = 'elsewhere'")
    row.server.ctl("gc")
    assert not row.bytes.has(row.object)


# What an upload says, what its object is, what the difference is called, and
# what the upload says then.
LOST = "a success without a stored object"
STUCK = "a pending upload whose object does not arrive"
KEPT = "a failed upload with an object"
MISFITS = [
    ("success", "receiving", LOST, "pending"),
    ("success", "finishing", LOST, "pending"),
    ("success", "deleting", LOST, "failure"),
    ("success", None, LOST, "failure"),
    ("pending", "stored", STUCK, "success"),
    ("pending", "deleting", STUCK, "failure"),
    ("pending", None, STUCK, "failure"),
    ("failure", "receiving", KEPT, "failure"),
    ("failure", "finishing", KEPT, "failure"),
    ("failure", "stored", KEPT, "failure"),
]


@pytest.mark.parametrize("status, state, what, becomes", MISFITS)
def test_an_upload_that_says_what_its_object_is_not_is_found(
        row, status, state, what, becomes):
    row.update("upload", "status = %s", status)
    if state:
        row.update("object", "state = %s, parts_id = 'x', receiver = %s",
                   state, row.add_node())
    else:
        row.server.sql("DELETE FROM object WHERE id = %s", row.object)
        row.bytes.remove(row.object)
    if state == "finishing":
        row.add_job()
    is_reported(row, what, row.upload)
    is_reported(row, what, row.upload, ["--repair"])
    assert row.status() == becomes
    assert bool(row.server.row(row.upload)[1]) == (becomes == "failure")
    row.server.sql("DELETE FROM job WHERE subject NOT IN (SELECT id "
                   "FROM object WHERE state = 'finishing')")
    assert check(row.server) == (0, [])
