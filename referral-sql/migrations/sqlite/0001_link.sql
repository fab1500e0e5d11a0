-- Referral on SQLite: the first of the migrations, and what holds for all of them.
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
CREATE INDEX referral_link_owner   ON referral_link (tenant, owner, created_at, id);
CREATE INDEX referral_link_target  ON referral_link (tenant, owner, target_kind, target_id, created_at, id);
CREATE INDEX referral_link_created ON referral_link (tenant, created_at, id);
