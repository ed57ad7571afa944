SET wal_consistency_checking = gin

CREATE TABLE g (id int, tags int[])

CREATE INDEX slow ON g USING gin (tags) WITH (fastupdate = off)

-- Many keys split the pages of the entry tree.
INSERT INTO g SELECT i, ARRAY[i, 100000 + i % 10] FROM generate_series(1, 1500) i

-- One key with many rows gets a tree of its own.
INSERT INTO g SELECT i, ARRAY[-1] FROM generate_series(10001, 13500) i

-- Rows of which a part is deleted, in lists within the entry tree and in the tree of one key.
DELETE FROM g WHERE id % 2 = 0

VACUUM g

DROP INDEX slow

COPY g FROM PROGRAM 'seq 200001 240000 | sed "s/$/\\t{-3}/"'

CREATE INDEX fast ON g USING gin (tags) WITH (fastupdate = on)

INSERT INTO g SELECT i, ARRAY[-3, i % 7] FROM generate_series(300001, 301500) i

SELECT gin_clean_pending_list('fast')

-- The tree of the key loses pages from its middle.
DELETE FROM g WHERE id BETWEEN 205001 AND 235000

VACUUM g

-- Takes what is pending, too.
INSERT INTO g SELECT i, ARRAY[-3, i] FROM generate_series(400001, 400300) i

VACUUM g

-- Wide keys make a tree of three levels.
CREATE TABLE wide (keys text[])

CREATE INDEX ON wide USING gin (keys) WITH (fastupdate = off)

INSERT INTO wide SELECT ARRAY[(SELECT string_agg(md5((i * 100 + j)::text), '') FROM generate_series(1, 25) j)] FROM generate_series(1, 300) i

RESET wal_consistency_checking
