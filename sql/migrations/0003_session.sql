-- Signing in with a browser: passwords, sessions, one-time links, and how often
-- somebody failed.

ALTER TABLE account
    ADD COLUMN password text,               -- argon2id, as a PHC string; NULL: none
    ADD COLUMN password_number integer NOT NULL DEFAULT 0, -- how many there were
    ADD COLUMN is_operator boolean NOT NULL DEFAULT false;

ALTER TABLE api_key
    ADD COLUMN last_used timestamptz;       -- to the minute

-- The cookie is a secret that only the browser has: here is its SHA-256.
CREATE TABLE session (
    sha256       text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    realm        text NOT NULL,
    subject      text NOT NULL,
    name         text NOT NULL,             -- for display
    scopes       text[] NOT NULL,           -- read, write
    how          text NOT NULL CHECK (how IN ('password', 'key', 'link', 'iam')),
    account      uuid REFERENCES account ON DELETE CASCADE, -- NULL: none of ours
    api_key      uuid REFERENCES api_key ON DELETE CASCADE, -- it ends with this key
    token        text,                      -- to ask the IAM with; sealed by
                                            -- the cookie
    created      timestamptz NOT NULL DEFAULT now(),
    seen         timestamptz NOT NULL DEFAULT now(), -- to the minute
    password_number integer,                -- it ends with this one of account
    idle_seconds bigint NOT NULL,
    idle_end     timestamptz NOT NULL,      -- unless it is seen again
    lifetime_end timestamptz NOT NULL CHECK (idle_end <= lifetime_end)
);
CREATE INDEX session_owner ON session (realm, subject);
CREATE INDEX session_idle_end ON session (idle_end);
CREATE INDEX session_account ON session (account);
CREATE INDEX session_api_key ON session (api_key);

-- A code that signs its account in once.
CREATE TABLE sign_in_link (
    sha256       text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    account      uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    expires      timestamptz NOT NULL
);
CREATE INDEX sign_in_link_expires ON sign_in_link (expires);

-- A browser in which an account proved itself by its password before: its
-- failures are counted apart from those of everybody else, who so cannot shut
-- it out. It has the secret of which this is the SHA-256.
CREATE TABLE known_browser (
    sha256       text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    account      uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    seen         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX known_browser_account ON known_browser (account);
CREATE INDEX known_browser_seen ON known_browser (seen);

-- Attempts that were not found to be right: by account, whether it exists or
-- not, and by address.
CREATE TABLE login_failure (
    kind         text NOT NULL CHECK (kind IN ('account', 'address')),
    what         text NOT NULL,             -- the SHA-256 of the name that was
                                            -- given, for it may be a password
                                            -- by mistake; that of a known
                                            -- browser; or the address
    count        integer NOT NULL,
    failed       timestamptz NOT NULL DEFAULT now(), -- last
    until        timestamptz NOT NULL,      -- nothing is looked at before
    PRIMARY KEY (kind, what)
);
CREATE INDEX login_failure_failed ON login_failure (failed);
