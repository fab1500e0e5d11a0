-- Referral on PostgreSQL. What holds for all tables is said in 0001_link.sql.

-- Numbers: those that decide something, and statistics. An absent one is 0, and so is a row with 0.
CREATE TABLE referral_counter (
    tenant text COLLATE "C" NOT NULL,
    family bigint           NOT NULL, -- which number it is: the code of its `Family` in the library
    part1  text COLLATE "C" NOT NULL, -- what it belongs to: a link, an owner or an action
    part2  text COLLATE "C" NOT NULL, -- the action; empty where part1 is one, and where there is none
    bucket bigint           NOT NULL, -- the first millisecond of the hour or day; 0 where there is none
    value  bigint           NOT NULL,
    PRIMARY KEY (tenant, family, part1, part2, bucket)
);
