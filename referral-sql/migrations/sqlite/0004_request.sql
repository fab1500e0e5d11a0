-- Referral on SQLite. What holds for all tables is said in 0001_link.sql.

-- A request of the host's that was done: a second try of it meets this row, and gets the first answer.
CREATE TABLE referral_request (
    id         BLOB    NOT NULL PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    verb       TEXT    NOT NULL, -- record, respond, enter_code
    request    TEXT    NOT NULL, -- the host's own name for the request
    response   BLOB    NOT NULL  -- what was recorded
) STRICT;

CREATE UNIQUE INDEX referral_request_verb ON referral_request (tenant, verb, request);
