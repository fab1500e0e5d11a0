-- Referral on PostgreSQL: the first of the migrations, and what holds for all of them.
--
-- What you may rely on: the names of tables and columns, and what they hold. Read and join as you like; write
-- through the library alone, because rows, numbers and versions change together.
--
--   id, link, visitor         UUID version 7, so that keys grow with time
--   *_at                      UTC milliseconds since 1970
--   version                   how often the row was written, beginning with 1; the library's guard against lost updates
--   tenant                    empty unless one installation serves several customers
--   text                      collation "C": compared byte for byte, never folded
--   integers for yes and no   1 and 0

-- A code with an owner and a destination.
CREATE TABLE referral_link (
    id          uuid             NOT NULL PRIMARY KEY,
    tenant      text COLLATE "C" NOT NULL,
    version     bigint           NOT NULL,
    created_at  bigint           NOT NULL,
    code        text COLLATE "C" NOT NULL, -- the one its URL shows; every code, also this, is in referral_alias
    owner       text COLLATE "C",          -- the host's user who gets the credit; null for a campaign
    label       text COLLATE "C" NOT NULL,
    destination text COLLATE "C" NOT NULL, -- a path of the site, or an absolute URL that the policy allows
    target_kind text COLLATE "C",          -- the host's object that it is about: both or neither
    target_id   text COLLATE "C",
    status      text COLLATE "C" NOT NULL, -- active, disabled, archived
    expires_at  bigint,                    -- dead from this moment on
    click_limit bigint,                    -- dead after so many counted clicks
    metadata    text COLLATE "C" NOT NULL, -- the host's fields: one JSON object, or empty text
    "natural"   text COLLATE "C"           -- digest of owner, label, destination and target; only get-or-create sets it
);

CREATE UNIQUE INDEX referral_link_natural ON referral_link (tenant, "natural");
CREATE INDEX referral_link_owner   ON referral_link (tenant, owner, created_at, id);
CREATE INDEX referral_link_target  ON referral_link (tenant, owner, target_kind, target_id, created_at, id);
CREATE INDEX referral_link_created ON referral_link (tenant, created_at, id);
