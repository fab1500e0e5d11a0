-- Referral on PostgreSQL. What holds for all tables is said in 0001_link.sql.

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
CREATE INDEX referral_alias_link          ON referral_alias (tenant, link, created_at, id);
