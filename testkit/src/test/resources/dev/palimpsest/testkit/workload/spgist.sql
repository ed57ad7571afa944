SET wal_consistency_checking = spgist

CREATE TABLE q (id int, at point, word text)

CREATE INDEX places ON q USING spgist (at)

CREATE INDEX words ON q USING spgist (word)

-- A few rows are all on the root.
INSERT INTO q SELECT i, point(i, i), 'w' || i FROM generate_series(1, 20) i

DELETE FROM q WHERE id % 2 = 0

VACUUM q

INSERT INTO q SELECT i, point(i * 7919 % 1009, i * 104729 % 997), md5(i::text) FROM generate_series(1, 2500) i

-- Words with long common beginnings, which later ones split.
INSERT INTO q SELECT i, NULL, repeat('prefix', 20) || md5(i::text) FROM generate_series(1, 400) i

INSERT INTO q SELECT i, NULL, left(repeat('prefix', 20), i) || 'other' FROM generate_series(1, 110) i

INSERT INTO q SELECT i, NULL, chr(200 + i) || md5(i::text) FROM generate_series(1, 200) i

DELETE FROM q WHERE id % 3 = 0

VACUUM q

SELECT txid_current()

INSERT INTO q SELECT i, point(i % 10, i % 11), md5(i::text) FROM generate_series(1, 300) i

VACUUM q

RESET wal_consistency_checking
