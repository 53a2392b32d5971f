-- What an error says stays readable whatever was given: begin and end of a text, which event of a batch, what there is instead.
\set VERBOSITY sqlstate
SET ROLE owo_admin;
SELECT owo_sync('{"features": [{"slug": "calls"}], "plans": [{"slug": "free", "autoEnable": true, "features": [{"slug": "calls", "limit": 10}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
CREATE FUNCTION pg_temp.said(call text, OUT state text, OUT characters int, OUT ends text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
DECLARE
    message text;
BEGIN
    EXECUTE call;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    characters := length(message);
    ends := right(message, 30);
END $$;
SELECT * FROM pg_temp.said($$SELECT owo_check('acme', 'calls', 1e100000)$$);
SELECT * FROM pg_temp.said($$SELECT owo_check('acme', 'calls', 1e-10000)$$);
SELECT * FROM pg_temp.said($$SELECT owo_organization_set('default', jsonb_build_object(repeat('é', 1000000), 1))$$);
SELECT * FROM pg_temp.said($$SELECT owo_attach('acme', 'free', cycle => repeat('x', 1000000))$$);
-- three names of full length fit
SELECT characters FROM pg_temp.said($$SELECT owo_check('acme', repeat('x', 255))$$);
-- which event
SELECT * FROM pg_temp.said($$SELECT owo_track_batch('[{"customer": "acme", "feature": "calls"}, {"customer": "acme", "feature": "nosuch"}]')$$);
SELECT * FROM pg_temp.said($$SELECT owo_track_batch('[{"customer": "acme", "feature": "calls"}, {"customer": "zeta", "feature": "calls", "customer_data": {"email": ""}}]')$$);
SELECT * FROM pg_temp.said($$SELECT owo_track_batch('[{"customer": "acme", "feature": "calls", "idempotency_key": "k"}, {"customer": "acme", "feature": "calls", "value": 2, "idempotency_key": "k"}]')$$);
