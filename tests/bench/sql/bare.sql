-- One narrow row for the same customer, and no limit.
-- pgbench -n -M prepared -c 64 -j 2 -T 10 -f bare.sql
INSERT INTO bare (customer, meter, k, q)
VALUES ('6f1d2f0e-52c5-5d0e-9f1c-0c6f5b3c1a11', '0b9c9f52-6a0f-5b4e-8f5e-2d4b7a9c3e21', 1, 1);
