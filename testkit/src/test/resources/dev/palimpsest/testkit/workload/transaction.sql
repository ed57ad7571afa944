SET wal_consistency_checking = ''

CREATE TABLE t (i int PRIMARY KEY)

BEGIN; INSERT INTO t VALUES (1); ROLLBACK

BEGIN; SAVEPOINT a; INSERT INTO t VALUES (2); ROLLBACK TO a; INSERT INTO t VALUES (3); COMMIT

BEGIN; CREATE TABLE two (i int); INSERT INTO t VALUES (4); SAVEPOINT a; INSERT INTO t VALUES (5); PREPARE TRANSACTION 'kept'

COMMIT PREPARED 'kept'

BEGIN; CREATE TABLE three (i int); INSERT INTO t VALUES (6); PREPARE TRANSACTION 'dropped'

ROLLBACK PREPARED 'dropped'

-- More than 64 subtransactions are told in advance, and the commit names them all.
DO $$
BEGIN
    FOR i IN 1..300 LOOP
        BEGIN
            INSERT INTO t VALUES (1000 + i);
            IF i % 3 = 0 THEN
                RAISE division_by_zero;
            END IF;
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
    END LOOP;
END $$

-- A row that one transaction locks in two ways has a multixact; so many fill pages of them.
CREATE TABLE m (i int PRIMARY KEY, n int)

INSERT INTO m SELECT i, 0 FROM generate_series(1, 2200) i

DO $$
BEGIN
    PERFORM FROM m FOR KEY SHARE;
    FOR k IN 1..2200 LOOP
        BEGIN
            UPDATE m SET n = k WHERE i = k;
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
    END LOOP;
END $$

-- Without a transaction number of its own, VACUUM tells standbys what it changed in the catalog.
VACUUM (ANALYZE) m

BEGIN; LOCK TABLE m IN ACCESS EXCLUSIVE MODE; INSERT INTO m VALUES (-1, 0); COMMIT

SELECT pg_replication_origin_create('elsewhere')

SELECT pg_replication_origin_advance('elsewhere', '0/1234')

SELECT pg_replication_origin_drop('elsewhere')

SELECT pg_logical_emit_message(true, 'prefix', repeat('message', 100))

SELECT pg_logical_emit_message(false, 'prefix', 'message')

RESET wal_consistency_checking
