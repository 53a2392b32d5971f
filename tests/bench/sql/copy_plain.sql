-- A bulk load: a million rows of 1,000 customers from a file of the server's.
-- psql -v file=/path/rows.csv -f copy_plain.sql
TRUNCATE plain_row;
COPY plain_row FROM :'file' (FORMAT csv);
