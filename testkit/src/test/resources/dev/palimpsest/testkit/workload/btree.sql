SET wal_consistency_checking = btree

-- Random and ascending keys, with nulls, several columns and included ones.
CREATE TABLE plain (id int PRIMARY KEY, a text, b int)

CREATE INDEX ON plain (a, b) INCLUDE (id)

CREATE INDEX ON plain (b DESC NULLS LAST)

INSERT INTO plain SELECT i, md5(i::text), nullif(i * 7919 % 1009, 5) FROM generate_series(1, 1500) i

DELETE FROM plain WHERE id % 3 = 0

VACUUM (INDEX_CLEANUP ON) plain

INSERT INTO plain SELECT i, md5(i::text), i % 100 FROM generate_series(10001, 10500) i

-- Scans mark the deleted items dead; inserts then find pages full of them.
DELETE FROM plain WHERE id BETWEEN 500 AND 1250

SET enable_seqscan = off

SET enable_bitmapscan = off

SELECT count(a) FROM plain WHERE id BETWEEN 1 AND 20000

INSERT INTO plain SELECT i, md5(i::text), i % 10 FROM generate_series(500, 1250) i

RESET enable_seqscan

RESET enable_bitmapscan

-- Few distinct keys: posting lists are made, filled in the middle, split and cut.
CREATE TABLE dup (id int, k int, t text)

CREATE INDEX ON dup (k)

CREATE INDEX ON dup (t, k)

INSERT INTO dup SELECT i, i % 5, 'value ' || i % 3 FROM generate_series(1, 3000) i

DELETE FROM dup WHERE id % 4 = 1

VACUUM (INDEX_CLEANUP ON) dup

INSERT INTO dup SELECT i, i % 5, 'value ' || i % 3 FROM generate_series(1, 1000) i

DELETE FROM dup WHERE id % 7 < 3

VACUUM (INDEX_CLEANUP ON) dup

INSERT INTO dup SELECT i, i % 2, 'value ' || i % 2 FROM generate_series(1, 1500) i

-- Versions of one row that are deleted before a page would have to be split.
CREATE TABLE churn (id int PRIMARY KEY, k int, n int) WITH (fillfactor = 50)

CREATE INDEX ON churn (n)

INSERT INTO churn SELECT i, i % 10, 0 FROM generate_series(1, 400) i

UPDATE churn SET n = n + 1

UPDATE churn SET n = n + 1

UPDATE churn SET n = n + 1

UPDATE churn SET n = n + 1

-- Keys of 1000 bytes make a high tree of few rows, of which all but one branch is deleted.
CREATE TABLE wide (id int, k text)

ALTER TABLE wide ALTER k SET STORAGE PLAIN

CREATE INDEX ON wide (k)

INSERT INTO wide SELECT i, lpad((i * 7 % 601)::text, 1000, '0') FROM generate_series(1, 600) i

DELETE FROM wide WHERE k < lpad('590', 1000, '0')

VACUUM (INDEX_CLEANUP ON) wide

SELECT txid_current()

SELECT txid_current()

VACUUM (INDEX_CLEANUP ON) wide

SELECT txid_current()

-- Takes the deleted pages again.
INSERT INTO wide SELECT i, lpad((i * 11 % 601)::text, 1000, '0') FROM generate_series(1, 500) i

DELETE FROM wide WHERE k BETWEEN lpad('100', 1000, '0') AND lpad('400', 1000, '0')

VACUUM (INDEX_CLEANUP ON) wide

RESET wal_consistency_checking
