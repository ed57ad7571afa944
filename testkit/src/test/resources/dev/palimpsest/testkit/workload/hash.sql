SET wal_consistency_checking = hash

CREATE TABLE h (id int, k int)

CREATE INDEX ON h USING hash (k)

-- The buckets are split again and again, and what moved is cleaned up.
INSERT INTO h SELECT i, i FROM generate_series(1, 3500) i

-- Equal keys make chains of overflow pages.
INSERT INTO h SELECT i, 7 FROM generate_series(1, 2500) i

-- Every second row goes, so that the chains get shorter while some pages keep a part.
DELETE FROM h WHERE id % 2 = 0

VACUUM h

DELETE FROM h WHERE k = 7 AND id % 11 <> 0

VACUUM h

-- Dead items on a full page make room for a new one.
INSERT INTO h SELECT i, 9 FROM generate_series(1, 500) i

DELETE FROM h WHERE k = 9

SET enable_seqscan = off

SET enable_bitmapscan = off

SELECT count(*) FROM h WHERE k = 9

INSERT INTO h SELECT i, 9 FROM generate_series(1, 500) i

RESET enable_seqscan

RESET enable_bitmapscan

RESET wal_consistency_checking
