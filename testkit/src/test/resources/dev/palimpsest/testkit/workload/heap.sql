CREATE TABLE t (id int PRIMARY KEY, n int, body text) WITH (fillfactor = 70)

INSERT INTO t SELECT i, i, repeat('x', i % 90) FROM generate_series(1, 1500) i

-- Several rows in a record, on new pages and on one that is there.
CREATE TABLE c (i int)

COPY c FROM PROGRAM 'seq 1 4000'

VACUUM (FREEZE) c

VACUUM t

COPY c FROM PROGRAM 'seq 1 30'

BEGIN; CREATE TABLE f (i int); COPY f FROM PROGRAM 'seq 1 2000' (FREEZE); COMMIT

SELECT i FROM f WHERE i % 500 = 0 FOR UPDATE

UPDATE t SET n = n + 1 WHERE id % 4 = 0

UPDATE t SET body = 'start' || body || 'end' WHERE id % 6 = 0

-- Reading a page that is nearly full prunes it.
SELECT count(*) FROM t

SELECT count(*) FROM t

VACUUM t

UPDATE t SET id = -id, body = repeat('long', 100) WHERE id % 7 = 0

UPDATE t SET body = null WHERE id % 40 = 1

DELETE FROM t WHERE id BETWEEN 300 AND 900

VACUUM t

VACUUM (FREEZE) t

DELETE FROM t WHERE id > 1200

SELECT id FROM t WHERE id < 20 FOR KEY SHARE

-- Speculative insertion.
INSERT INTO t VALUES (1, 1, 'a'), (100001, 1, 'b') ON CONFLICT (id) DO NOTHING

INSERT INTO t VALUES (1, 1, 'a'), (100002, 1, 'b') ON CONFLICT (id) DO UPDATE SET n = 5

-- A row that moves to another partition.
CREATE TABLE p (i int) PARTITION BY RANGE (i)

CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)

CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)

INSERT INTO p VALUES (1), (2)

UPDATE p SET i = i + 10

CREATE TABLE gone AS SELECT 1

TRUNCATE gone

BEGIN; SAVEPOINT a; UPDATE t SET n = -1 WHERE id = 2; SAVEPOINT b; SELECT FROM t WHERE id = 2 FOR UPDATE; ROLLBACK TO b; UPDATE t SET n = -2 WHERE id = 2; COMMIT

CREATE TABLE w (id int, body text)

INSERT INTO w SELECT i, repeat('y', 500) FROM generate_series(1, 300) i

VACUUM w

UPDATE w SET body = repeat('z', 900) WHERE id % 10 = 0

DELETE FROM w WHERE id % 10 = 1

VACUUM w

UPDATE w SET body = repeat('z', 901) WHERE id % 50 = 0

VACUUM (FREEZE) w
