-- Bloom indexes log their changes as bytes.
CREATE EXTENSION bloom SCHEMA public

CREATE TABLE b AS SELECT i, i * 7 AS j FROM generate_series(1, 2000) i

CREATE INDEX ON b USING bloom (i, j)

INSERT INTO b SELECT i, i FROM generate_series(1, 300) i

DELETE FROM b WHERE i < 100

VACUUM b
