SET wal_consistency_checking = gist

CREATE TABLE p (id int, at point)

CREATE INDEX ON p USING gist (at)

INSERT INTO p SELECT i, point(i % 61, i / 61) FROM generate_series(1, 4000) i

-- Pages that become empty are deleted, and taken again once nobody can see them.
DELETE FROM p WHERE id < 3000

VACUUM p

SELECT txid_current()

SELECT txid_current()

VACUUM p

SELECT txid_current()

INSERT INTO p SELECT i, point(i % 61, i / 61) FROM generate_series(1, 2500) i

-- Dead items on a full page make room for a new one.
DELETE FROM p WHERE id BETWEEN 500 AND 2000

SET enable_seqscan = off

SET enable_bitmapscan = off

SELECT count(id) FROM p WHERE at <@ box '((-1,-1),(100,100))'

INSERT INTO p SELECT i, point(i % 61, i / 61) FROM generate_series(500, 2000) i

RESET enable_seqscan

RESET enable_bitmapscan

RESET wal_consistency_checking
