-- Referral on SQLite: links, the codes that lead to them, what came through them, and numbers.
--
-- What you may rely on: the names of tables and columns, and what they hold. Read and join as you like; write
-- through the library alone, because rows, numbers and versions change together.
--
--   id, link, visitor         UUID version 7 as 16 bytes, so that keys grow with time; show with hex(id)
--   *_at                      UTC milliseconds since 1970
--   version                   how often the row was written, beginning with 1; the library's guard against lost updates
--   tenant                    empty unless one installation serves several customers
--   text                      compared byte for byte, never folded
--   integers for yes and no   1 and 0

-- A code with an owner and a destination.
CREATE TABLE referral_link (
    id           BLOB    NOT NULL PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    code         TEXT    NOT NULL, -- the one its URL shows; every code, also this, is in referral_alias
    owner        TEXT,             -- the host's user who gets the credit; null for a campaign
    label        TEXT    NOT NULL,
    destination  TEXT    NOT NULL, -- a path of the site, or an absolute URL that the policy allows
    target_kind  TEXT,             -- the host's object that it is about: both or neither
    target_id    TEXT,
    status       TEXT    NOT NULL, -- active, disabled, archived
    expires_at   INTEGER,          -- dead from this moment on
    click_limit  INTEGER,          -- dead after so many counted clicks
    metadata     TEXT    NOT NULL, -- the host's fields: one JSON object, or empty text
    "natural"    TEXT              -- digest of owner, label, destination and target; only get-or-create sets it
) STRICT;

CREATE UNIQUE INDEX referral_link_natural ON referral_link (tenant, "natural");
CREATE INDEX referral_link_owner      ON referral_link (tenant, owner, created_at, id);
CREATE INDEX referral_link_target     ON referral_link (tenant, owner, target_kind, target_id, created_at, id);
CREATE INDEX referral_link_status     ON referral_link (tenant, status, created_at, id);
CREATE INDEX referral_link_created    ON referral_link (tenant, created_at, id);
CREATE INDEX referral_link_everywhere ON referral_link (created_at, id);

-- One code that leads to a link; a link has one or more.
CREATE TABLE referral_alias (
    id         BLOB    NOT NULL PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    code       TEXT    NOT NULL, -- as it was chosen or made
    link       BLOB    NOT NULL,
    case_exact INTEGER NOT NULL, -- whether only this very spelling leads there
    folded     TEXT              -- the code with look-alikes made equal; null where case_exact
) STRICT;

CREATE UNIQUE INDEX referral_alias_code   ON referral_alias (tenant, code);
CREATE UNIQUE INDEX referral_alias_folded ON referral_alias (tenant, folded);
CREATE INDEX referral_alias_link       ON referral_alias (tenant, link, created_at, id);
CREATE INDEX referral_alias_created    ON referral_alias (tenant, created_at, id);
CREATE INDEX referral_alias_everywhere ON referral_alias (created_at, id);

-- One touch or action of a visitor through a link. Append-only but for claim and erasure. Unclaimed while it has
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
    via         TEXT    NOT NULL, -- click, code, coupon, invitation, manual, server
    action      TEXT    NOT NULL, -- RESPONDED is the click; every other name is the host's
    target_kind TEXT,             -- the host's object that it happened to: both or neither
    target_id   TEXT,
    referrer    TEXT,             -- personal data from here
    agent       TEXT,
    landing     TEXT,
    address     TEXT,             -- to here; masked, hashed or not kept
    flags       INTEGER NOT NULL, -- sum of 1 bot, 2 speculative, 4 duplicate, 8 own link, 16 suspect
    counted     INTEGER NOT NULL  -- whether it counts in the statistics
) STRICT;

CREATE INDEX referral_response_link  ON referral_response (tenant, link, created_at, id);
CREATE INDEX referral_response_owner ON referral_response (tenant, owner, created_at, id);
CREATE INDEX referral_response_user  ON referral_response (tenant, user, created_at, id);
-- Asked with `user IS NULL`; a column and not a partial index, which SQLite may pass over before ANALYZE.
CREATE INDEX referral_response_unclaimed  ON referral_response (tenant, visitor, user, created_at, id);
CREATE INDEX referral_response_created    ON referral_response (tenant, created_at, id);
CREATE INDEX referral_response_everywhere ON referral_response (created_at, id);

-- Numbers: those that decide something, and statistics. An absent one is 0, and so is a row with 0.
CREATE TABLE referral_counter (
    tenant TEXT    NOT NULL,
    family INTEGER NOT NULL, -- 1 uses of a link, 2 responses, 3 these by hour, 4 flagged, 5 these by hour
    part1  TEXT    NOT NULL, -- what it belongs to: the link
    part2  TEXT    NOT NULL, -- the action; empty where there is none
    bucket INTEGER NOT NULL, -- the first millisecond of the hour; 0 where there is none
    value  INTEGER NOT NULL,
    PRIMARY KEY (tenant, family, part1, part2, bucket)
) STRICT, WITHOUT ROWID;
