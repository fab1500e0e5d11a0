-- Referral on PostgreSQL. What holds for all tables is said in 0001_link.sql.

-- A request of the host's that was done: a second try of it meets this row, and gets the first answer.
CREATE TABLE referral_request (
    id         uuid             NOT NULL PRIMARY KEY,
    tenant     text COLLATE "C" NOT NULL,
    version    bigint           NOT NULL,
    created_at bigint           NOT NULL,
    verb       text COLLATE "C" NOT NULL, -- record, respond, enter_code
    request    text COLLATE "C" NOT NULL, -- the host's own name for the request
    response   uuid             NOT NULL  -- what was recorded
);

CREATE UNIQUE INDEX referral_request_verb ON referral_request (tenant, verb, request);
