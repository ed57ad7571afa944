-- Rewriting a catalog while someone decodes.
SELECT pg_create_logical_replication_slot('s', 'pgoutput')

CREATE TABLE rewritten (i int)

DROP TABLE rewritten

VACUUM FULL pg_attribute

SELECT pg_drop_replication_slot('s')
