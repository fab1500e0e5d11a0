-- Referral on MySQL 8 and MariaDB: the first of the migrations, and what holds for all of them.
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
    KEY referral_link_created (tenant, created_at, id)
);
