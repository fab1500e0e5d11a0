-- Referral on SQLite. What holds for all tables is said in 0001_link.sql.

-- One touch or action of a visitor through a link. Changed only by claim and erasure. Unclaimed while it has
-- a visitor and no user.
CREATE TABLE referral_response (
    id          BLOB    NOT NULL PRIMARY KEY,
    tenant      TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    link        BLOB    NOT NULL,
    owner       TEXT,             -- the link's owner at that moment
    visitor     BLOB,             -- the browser it came from
    user        TEXT,             -- the host's user it came from: known at once, or claimed later
    claimed_at  INTEGER,          -- null while unclaimed, and where the user was known at the touch
    account_at  INTEGER,          -- when the user's account was made, where the host said so
    via         TEXT    NOT NULL, -- click, code, coupon, invitation, manual, server
    action      TEXT    NOT NULL, -- RESPONDED is the click; every other name is the host's
    target_kind TEXT,             -- the host's object that it happened to: both or neither
    target_id   TEXT,
    referrer    TEXT,             -- personal data from here
    agent       TEXT,
    landing     TEXT,
    address     TEXT,             -- to here; masked, hashed or not kept
    tags        TEXT,             -- the parameters that the host keeps: one JSON object
    flags       INTEGER NOT NULL, -- sum of 1 bot, 2 speculative, 4 duplicate, 8 own link, 16 suspect
    counted     INTEGER NOT NULL  -- whether it counts in the statistics
) STRICT;

CREATE INDEX referral_response_link      ON referral_response (tenant, link, created_at, id);
CREATE INDEX referral_response_owner     ON referral_response (tenant, owner, created_at, id);
CREATE INDEX referral_response_user      ON referral_response (tenant, user, created_at, id);
-- Asked with `user IS NULL`; a column and not a partial index, which SQLite may pass over before ANALYZE.
CREATE INDEX referral_response_unclaimed ON referral_response (tenant, visitor, user, created_at, id);
CREATE INDEX referral_response_created   ON referral_response (tenant, created_at, id);
