-- Referral on MySQL 8 and MariaDB. What holds for all tables is said in 0001_link.sql.

-- A request of the host's that was done: a second try of it meets this row, and gets the first answer.
CREATE TABLE IF NOT EXISTS referral_request (
    id         BINARY(16)     NOT NULL PRIMARY KEY,
    tenant     VARBINARY(64)  NOT NULL,
    version    BIGINT         NOT NULL,
    created_at BIGINT         NOT NULL,
    verb       VARBINARY(32)  NOT NULL, -- record, respond, enter_code
    request    VARBINARY(128) NOT NULL, -- the host's own name for the request
    response   BINARY(16)     NOT NULL, -- what was recorded

    UNIQUE KEY referral_request_verb (tenant, verb, request)
);
