-- Referral on MySQL 8 and MariaDB. What holds for all tables is said in 0001_link.sql.

-- Numbers: those that decide something, and statistics. An absent one is 0, and so is a row with 0.
CREATE TABLE IF NOT EXISTS referral_counter (
    tenant VARBINARY(64)  NOT NULL,
    family BIGINT         NOT NULL, -- which number it is: the code of its `Family` in the library
    part1  VARBINARY(255) NOT NULL, -- what it belongs to: a link, an owner or an action
    part2  VARBINARY(255) NOT NULL, -- the action; empty where part1 is one, and where there is none
    bucket BIGINT         NOT NULL, -- the first millisecond of the hour or day; 0 where there is none
    value  BIGINT         NOT NULL,
    PRIMARY KEY (tenant, family, part1, part2, bucket)
);
