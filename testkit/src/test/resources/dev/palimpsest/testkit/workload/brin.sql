SET wal_consistency_checking = brin

CREATE TABLE r (id int, word text) WITH (fillfactor = 30)

INSERT INTO r SELECT i, 'w' || i FROM generate_series(1, 12000) i

CREATE INDEX brin ON r USING brin (word, id) WITH (pages_per_range = 1, autosummarize = off)

-- Wider summaries: in their place, on another page that has room, on a new one.
UPDATE r SET word = word || 'a' WHERE id % 50 = 0

UPDATE r SET word = repeat('v', 300) || id WHERE id % 70 = 0

UPDATE r SET word = repeat('x', 900) || id WHERE id % 90 = 0

INSERT INTO r SELECT i, 'w' || i FROM generate_series(1, 3000) i

SELECT brin_summarize_new_values('brin')

SELECT brin_desummarize_range('brin', 5)

SELECT brin_desummarize_range('brin', 9)

SELECT brin_summarize_new_values('brin')

RESET wal_consistency_checking
