-- Referral on MySQL 8 and MariaDB. What holds for all tables is said in 0001_link.sql.

-- One touch or action of a visitor through a link. Changed only by claim and erasure. Unclaimed while it has
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
    account_at  BIGINT,                   -- when the user's account was made, where the host said so
    via         VARBINARY(32)   NOT NULL, -- click, code, coupon, invitation, manual, server
    action      VARBINARY(128)  NOT NULL, -- RESPONDED is the click; every other name is the host's
    target_kind VARBINARY(128),           -- the host's object that it happened to: both or neither
    target_id   VARBINARY(128),
    referrer    VARBINARY(2048),          -- personal data from here
    agent       VARBINARY(512),
    landing     VARBINARY(2048),
    address     VARBINARY(64),            -- to here; masked, hashed or not kept
    tags        VARBINARY(1024),          -- the parameters that the host keeps: one JSON object
    flags       BIGINT          NOT NULL, -- sum of 1 bot, 2 speculative, 4 duplicate, 8 own link, 16 suspect
    counted     BIGINT          NOT NULL, -- whether it counts in the statistics

    KEY referral_response_link (tenant, link, created_at, id),
    KEY referral_response_owner (tenant, owner, created_at, id),
    KEY referral_response_user (tenant, user, created_at, id),
    KEY referral_response_unclaimed (tenant, visitor, user, created_at, id),
    KEY referral_response_created (tenant, created_at, id)
);
