-- Referral on SQLite. What holds for all tables is said in 0001_link.sql.

-- Numbers: those that decide something, and statistics. An absent one is 0, and so is a row with 0.
CREATE TABLE referral_counter (
    tenant TEXT    NOT NULL,
    family INTEGER NOT NULL, -- which number it is: the code of its `Family` in the library
    part1  TEXT    NOT NULL, -- what it belongs to: a link, an owner or an action
    part2  TEXT    NOT NULL, -- the action; empty where part1 is one, and where there is none
    bucket INTEGER NOT NULL, -- the first millisecond of the hour or day; 0 where there is none
    value  INTEGER NOT NULL,
    PRIMARY KEY (tenant, family, part1, part2, bucket)
) STRICT, WITHOUT ROWID;
