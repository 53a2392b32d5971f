-- The worked example of an AI product, as its readers run it.
SET ROLE owo_admin;
\i examples/ai-product/tour.sql
