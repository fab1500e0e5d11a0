-- Referral on PostgreSQL: links, the codes that lead to them, what came through them, and numbers.
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
CREATE INDEX referral_link_owner      ON referral_link (tenant, owner, created_at, id);
CREATE INDEX referral_link_target     ON referral_link (tenant, owner, target_kind, target_id, created_at, id);
CREATE INDEX referral_link_status     ON referral_link (tenant, status, created_at, id);
CREATE INDEX referral_link_created    ON referral_link (tenant, created_at, id);
CREATE INDEX referral_link_everywhere ON referral_link (created_at, id);

-- One code that leads to a link; a link has one or more.
CREATE TABLE referral_alias (
    id         uuid             NOT NULL PRIMARY KEY,
    tenant     text COLLATE "C" NOT NULL,
    version    bigint           NOT NULL,
    created_at bigint           NOT NULL,
    code       text COLLATE "C" NOT NULL, -- as it was chosen or made
    link       uuid             NOT NULL,
    case_exact bigint           NOT NULL, -- whether only this very spelling leads there
    folded     text COLLATE "C"           -- the code with look-alikes made equal; null where case_exact
);

CREATE UNIQUE INDEX referral_alias_code   ON referral_alias (tenant, code);
CREATE UNIQUE INDEX referral_alias_folded ON referral_alias (tenant, folded);
CREATE INDEX referral_alias_link       ON referral_alias (tenant, link, created_at, id);
CREATE INDEX referral_alias_created    ON referral_alias (tenant, created_at, id);
CREATE INDEX referral_alias_everywhere ON referral_alias (created_at, id);

-- One touch or action of a visitor through a link. Append-only but for claim and erasure. Unclaimed while it has
-- a visitor and no user.
CREATE TABLE referral_response (
    id          uuid             NOT NULL PRIMARY KEY,
    tenant      text COLLATE "C" NOT NULL,
    version     bigint           NOT NULL,
    created_at  bigint           NOT NULL,
    link        uuid             NOT NULL,
    owner       text COLLATE "C",          -- the link's owner at that moment
    visitor     uuid,                      -- the browser it came from
    "user"      text COLLATE "C",          -- the host's user it came from: known at once, or claimed later
    claimed_at  bigint,                    -- null while unclaimed, and where the user was known at the touch
    via         text COLLATE "C" NOT NULL, -- click, code, coupon, invitation, manual, server
    action      text COLLATE "C" NOT NULL, -- RESPONDED is the click; every other name is the host's
    target_kind text COLLATE "C",          -- the host's object that it happened to: both or neither
    target_id   text COLLATE "C",
    referrer    text COLLATE "C",          -- personal data from here
    agent       text COLLATE "C",
    landing     text COLLATE "C",
    address     text COLLATE "C",          -- to here; masked, hashed or not kept
    flags       bigint           NOT NULL, -- sum of 1 bot, 2 speculative, 4 duplicate, 8 own link, 16 suspect
    counted     bigint           NOT NULL  -- whether it counts in the statistics
);

CREATE INDEX referral_response_link  ON referral_response (tenant, link, created_at, id);
CREATE INDEX referral_response_owner ON referral_response (tenant, owner, created_at, id);
CREATE INDEX referral_response_user  ON referral_response (tenant, "user", created_at, id);
-- Asked with `"user" IS NULL`; a column and not a partial index, so that it is the same on every database.
CREATE INDEX referral_response_unclaimed  ON referral_response (tenant, visitor, "user", created_at, id);
CREATE INDEX referral_response_created    ON referral_response (tenant, created_at, id);
CREATE INDEX referral_response_everywhere ON referral_response (created_at, id);

-- Numbers: those that decide something, and statistics. An absent one is 0, and so is a row with 0.
CREATE TABLE referral_counter (
    tenant text COLLATE "C" NOT NULL,
    family bigint           NOT NULL, -- 1 uses of a link, 2 responses, 3 these by hour, 4 flagged, 5 these by hour
    part1  text COLLATE "C" NOT NULL, -- what it belongs to: the link
    part2  text COLLATE "C" NOT NULL, -- the action; empty where there is none
    bucket bigint           NOT NULL, -- the first millisecond of the hour; 0 where there is none
    value  bigint           NOT NULL,
    PRIMARY KEY (tenant, family, part1, part2, bucket)
);
