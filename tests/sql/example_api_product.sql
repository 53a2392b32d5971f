-- The worked example of an API product, as its readers run it.
SET ROLE owo_admin;
\i examples/api-product/tour.sql
