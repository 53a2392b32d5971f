-- Scan of a plain table.
-- pgbench -n -M prepared -c 1 -t 3 -f scan_open.sql
SELECT count(title) FROM open_row;
