-- The worked example of a product catalog, as its readers run it.
SET ROLE owo_admin;
\i examples/product-catalog/tour.sql
