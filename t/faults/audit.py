# SPDX-License-Identifier: Apache-2.0
"""What became of each upload, written down by the database itself, in the
transaction that did it."""

SET_UP = """
CREATE TABLE effect (what text, subject uuid, fence bigint, owner uuid);
CREATE FUNCTION note_settled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO effect VALUES (NEW.status, NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION note_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO effect VALUES ('claim', NEW.subject, NEW.fence, NEW.owner);
    INSERT INTO effect SELECT 'theft', NEW.subject, NEW.fence, NEW.owner
        FROM node WHERE OLD.state = 'running' AND OLD.expires > now()
        AND id = OLD.owner;
    RETURN NULL;
END $$;
CREATE FUNCTION note_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO effect VALUES ('end', OLD.subject, OLD.fence, OLD.owner);
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER UPDATE OF status ON upload FOR EACH ROW
    WHEN (NEW.status <> 'pending') EXECUTE FUNCTION note_settled();
CREATE TRIGGER audit_claim AFTER UPDATE OF fence ON job FOR EACH ROW
    EXECUTE FUNCTION note_claim();
CREATE TRIGGER audit_end AFTER DELETE ON job FOR EACH ROW
    EXECUTE FUNCTION note_end();
"""
TEAR_DOWN = """
DROP FUNCTION note_settled, note_claim, note_end CASCADE;
DROP TABLE effect;
"""


class Audit:
    """While it is entered, effects are written down."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.server.sql(SET_UP)
        return self

    def __exit__(self, *_error):
        self.server.sql(TEAR_DOWN)

    def twice(self):
        """What happened too often: [(what, subject, count)]. An upload settles
        once, a job ends once, and is claimed by one until it is given back or
        the other is dead."""
        self.server.wait(lambda: not self.server.sql("SELECT FROM job"), 60)
        return self.server.sql(
            "SELECT CASE WHEN what IN ('success', 'failure') THEN 'settled' "
            "ELSE what END AS done, subject, count(*) FROM effect "
            "WHERE what <> 'claim' GROUP BY done, subject "
            "HAVING count(*) > 1 OR min(what) = 'theft'")

    def claims(self, upload):
        """Of the job of this upload: [(fence, owner)]."""
        return self.server.sql(
            "SELECT fence, effect.owner FROM effect JOIN upload "
            "ON upload.object = subject WHERE what = 'claim' "
            "AND upload.id = %s ORDER BY fence", upload)

    def claimants(self):
        """The nodes that ran jobs."""
        return {owner for owner, in self.server.sql(
            "SELECT DISTINCT owner FROM effect WHERE what = 'claim'")}
