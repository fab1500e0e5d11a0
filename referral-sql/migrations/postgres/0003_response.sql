-- Referral on PostgreSQL. What holds for all tables is said in 0001_link.sql.

-- One touch or action of a visitor through a link. Changed only by claim and erasure. Unclaimed while it has
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
    account_at  bigint,                    -- when the user's account was made, where the host said so
    via         text COLLATE "C" NOT NULL, -- click, code, coupon, invitation, manual, server
    action      text COLLATE "C" NOT NULL, -- RESPONDED is the click; every other name is the host's
    target_kind text COLLATE "C",          -- the host's object that it happened to: both or neither
    target_id   text COLLATE "C",
    referrer    text COLLATE "C",          -- personal data from here
    agent       text COLLATE "C",
    landing     text COLLATE "C",
    address     text COLLATE "C",          -- to here; masked, hashed or not kept
    tags        text COLLATE "C",          -- the parameters that the host keeps: one JSON object
    flags       bigint           NOT NULL, -- sum of 1 bot, 2 speculative, 4 duplicate, 8 own link, 16 suspect
    counted     bigint           NOT NULL  -- whether it counts in the statistics
);

CREATE INDEX referral_response_link      ON referral_response (tenant, link, created_at, id);
CREATE INDEX referral_response_owner     ON referral_response (tenant, owner, created_at, id);
CREATE INDEX referral_response_user      ON referral_response (tenant, "user", created_at, id);
-- Asked with `"user" IS NULL`; a column and not a partial index, so that it is the same on every database.
CREATE INDEX referral_response_unclaimed ON referral_response (tenant, visitor, "user", created_at, id);
CREATE INDEX referral_response_created   ON referral_response (tenant, created_at, id);
