-- The first one to read a row notes on its page that it is committed.
CREATE TABLE hinted AS SELECT i FROM generate_series(1, 1000) i

CHECKPOINT

SELECT count(*) FROM hinted
