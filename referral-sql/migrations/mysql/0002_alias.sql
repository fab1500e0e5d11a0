-- Referral on MySQL 8 and MariaDB. What holds for all tables is said in 0001_link.sql.

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
    KEY referral_alias_link (tenant, link, created_at, id)
);
