CREATE SEQUENCE s

SELECT nextval('s') FROM generate_series(1, 200)

ALTER SEQUENCE s RESTART 5

SELECT setval('s', 77)

SELECT nextval('s')
