-- Referral on SQLite. What holds for all tables is said in 0001_link.sql.

-- One code that leads to a link; a link has one or more.
CREATE TABLE referral_alias (
    id         BLOB    NOT NULL PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    code       TEXT    NOT NULL, -- as it was chosen or made
    link       BLOB    NOT NULL,
    case_exact INTEGER NOT NULL, -- whether only this very spelling leads there
    folded     TEXT              -- the code with look-alikes made equal; null where case_exact
) STRICT;

CREATE UNIQUE INDEX referral_alias_code   ON referral_alias (tenant, code);
CREATE UNIQUE INDEX referral_alias_folded ON referral_alias (tenant, folded);
CREATE INDEX referral_alias_link          ON referral_alias (tenant, link, created_at, id);
