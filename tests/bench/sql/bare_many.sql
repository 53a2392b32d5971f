-- One narrow row, spread over as many customers.
-- pgbench -n -M prepared -c 64 -j 2 -T 10 -D customers=100000 -f bare_many.sql
\set n random(1, :customers)
INSERT INTO bare (customer, meter, k, q)
VALUES (md5(:n::text)::uuid, '0b9c9f52-6a0f-5b4e-8f5e-2d4b7a9c3e21', 1, 1);
