-- The same into a table that obeys the plan.
-- psql -v file=/path/rows.csv -f copy_enforced.sql
TRUNCATE enforced_row;
COPY enforced_row FROM :'file' (FORMAT csv);
