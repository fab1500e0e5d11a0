-- Referral on MySQL 8 and MariaDB: links, the codes that lead to them, what came through them, and numbers.
--
-- What you may rely on: the names of tables and columns, and what they hold. Read and join as you like; write
-- through the library alone, because rows, numbers and versions change together.
--
--   id, link, visitor         UUID version 7 as 16 bytes, so that keys grow with time; show with HEX(id)
--   *_at                      UTC milliseconds since 1970
--   version                   how often the row was written, beginning with 1; the library's guard against lost updates
--   tenant                    empty unless one installation serves several customers
--   text                      UTF-8 in VARBINARY: equal only where the bytes are, on MySQL and MariaDB alike, whose
--                             binary collations without padding have different names; read it with
--                             CONVERT(code USING utf8mb4)
--   integers for yes and no   1 and 0

-- Every statement may be run again: MySQL commits each by itself, and an interrupted migration begins anew.

-- A code with an owner and a destination.
CREATE TABLE IF NOT EXISTS referral_link (
    id          BINARY(16)      NOT NULL PRIMARY KEY,
    tenant      VARBINARY(64)   NOT NULL,
    version     BIGINT          NOT NULL,
    created_at  BIGINT          NOT NULL,
    code        VARBINARY(64)   NOT NULL, -- the one its URL shows; every code, also this, is in referral_alias
    owner       VARBINARY(128),           -- the host's user who gets the credit; null for a campaign
    label       VARBINARY(100)  NOT NULL,
    destination VARBINARY(2048) NOT NULL, -- a path of the site, or an absolute URL that the policy allows
    target_kind VARBINARY(128),           -- the host's object that it is about: both or neither
    target_id   VARBINARY(128),
    status      VARBINARY(32)   NOT NULL, -- active, disabled, archived
    expires_at  BIGINT,                   -- dead from this moment on
    click_limit BIGINT,                   -- dead after so many counted clicks
    metadata    VARBINARY(8192) NOT NULL, -- the host's fields: one JSON object, or empty text
    `natural`   VARBINARY(64),            -- digest of owner, label, destination and target; only get-or-create sets it

    UNIQUE KEY referral_link_natural (tenant, `natural`),
    KEY referral_link_owner (tenant, owner, created_at, id),
    KEY referral_link_target (tenant, owner, target_kind, target_id, created_at, id),
    KEY referral_link_status (tenant, status, created_at, id),
    KEY referral_link_created (tenant, created_at, id),
    KEY referral_link_everywhere (created_at, id)
);

-- One code that leads to a link; a link has one or more.
CREATE TABLE IF NOT EXISTS referral_alias (
    id         BINARY(16)    NOT NULL PRIMARY KEY,
    tenant     VARBINARY(64) NOT NULL,
    version    BIGINT        NOT NULL,
    created_at BIGINT        NOT NULL,
    code       VARBINARY(64) NOT NULL, -- as it was chosen or made
    link       BINARY(16)    NOT NULL,
    case_exact BIGINT        NOT NULL, -- whether only this very spelling leads there
    folded     VARBINARY(64),          -- the code with look-alikes made equal; null where case_exact

    UNIQUE KEY referral_alias_code (tenant, code),
    UNIQUE KEY referral_alias_folded (tenant, folded),
    KEY referral_alias_link (tenant, link, created_at, id),
    KEY referral_alias_created (tenant, created_at, id),
    KEY referral_alias_everywhere (created_at, id)
);

-- One touch or action of a visitor through a link. Append-only but for claim and erasure. Unclaimed while it has
-- a visitor and no user.
CREATE TABLE IF NOT EXISTS referral_response (
    id          BINARY(16)      NOT NULL PRIMARY KEY,
    tenant      VARBINARY(64)   NOT NULL,
    version     BIGINT          NOT NULL,
    created_at  BIGINT          NOT NULL,
    link        BINARY(16)      NOT NULL,
    owner       VARBINARY(128),           -- the link's owner at that moment
    visitor     BINARY(16),               -- the browser it came from
    user        VARBINARY(128),           -- the host's user it came from: known at once, or claimed later
    claimed_at  BIGINT,                   -- null while unclaimed, and where the user was known at the touch
    via         VARBINARY(32)   NOT NULL, -- click, code, coupon, invitation, manual, server
    action      VARBINARY(128)  NOT NULL, -- RESPONDED is the click; every other name is the host's
    target_kind VARBINARY(128),           -- the host's object that it happened to: both or neither
    target_id   VARBINARY(128),
    referrer    VARBINARY(2048),          -- personal data from here
    agent       VARBINARY(512),
    landing     VARBINARY(2048),
    address     VARBINARY(64),            -- to here; masked, hashed or not kept
    flags       BIGINT          NOT NULL, -- sum of 1 bot, 2 speculative, 4 duplicate, 8 own link, 16 suspect
    counted     BIGINT          NOT NULL, -- whether it counts in the statistics

    KEY referral_response_link (tenant, link, created_at, id),
    KEY referral_response_owner (tenant, owner, created_at, id),
    KEY referral_response_user (tenant, user, created_at, id),
    KEY referral_response_unclaimed (tenant, visitor, user, created_at, id),
    KEY referral_response_created (tenant, created_at, id),
    KEY referral_response_everywhere (created_at, id)
);

-- Numbers: those that decide something, and statistics. An absent one is 0, and so is a row with 0.
CREATE TABLE IF NOT EXISTS referral_counter (
    tenant VARBINARY(64)  NOT NULL,
    family BIGINT         NOT NULL, -- 1 uses of a link, 2 responses, 3 these by hour, 4 flagged, 5 these by hour
    part1  VARBINARY(255) NOT NULL, -- what it belongs to: the link
    part2  VARBINARY(255) NOT NULL, -- the action; empty where there is none
    bucket BIGINT         NOT NULL, -- the first millisecond of the hour; 0 where there is none
    value  BIGINT         NOT NULL,
    PRIMARY KEY (tenant, family, part1, part2, bucket)
);
