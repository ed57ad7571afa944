CREATE TABLE t AS SELECT i FROM generate_series(1, 2000) i

DELETE FROM t WHERE i > 100

VACUUM t

-- Writes the file of a map anew.
VACUUM FULL pg_class

-- before 15
CREATE DATABASE d

-- since 15
CREATE DATABASE d STRATEGY = file_copy

DROP DATABASE d

-- since 15
CREATE DATABASE d STRATEGY = wal_log

-- since 15
DROP DATABASE d
