-- Webhooks of the four providers as they come in: what is believed is kept once, what is not leaves nothing.
\set VERBOSITY sqlstate
SET ROLE postgres;
SET client_min_messages = warning;
SELECT slug FROM owo_organization('shop', environment => 'sandbox');
SET owostack.organization = 'shop';
SELECT owo_clock_set('2026-11-01 00:00:15+00');
CREATE ROLE hook_shop;
SELECT owo_grant_role('hook_shop', 'webhook', 'shop');
SELECT provider FROM owo_provider_set('stripe',
    '{"secret_key": "sk_test_1", "webhook_secrets": ["whsec_stripe_new", "whsec_stripe_old"]}');
SELECT provider FROM owo_provider_set('paystack', '{"secret_key": "sk_test_paystack"}');
SELECT provider FROM owo_provider_set('dodo', '{"secret_key": "dodo", "webhook_secret": "whsec_ZG9kbw=="}');
SELECT provider FROM owo_provider_set('polar', '{"secret_key": "polar_oat_1", "webhook_secret": "polar"}');

-- HMAC as RFC 2104 has it, over Postgres' own digests.
CREATE FUNCTION hmac(key bytea, message bytea, hash regprocedure, block int) RETURNS bytea
    LANGUAGE plpgsql AS $$
DECLARE
    inner_pad bytea := '';
    outer_pad bytea := '';
    padded bytea := key || decode(repeat('00', block - length(key)), 'hex');
    digest bytea;
BEGIN
    FOR i IN 0..block - 1 LOOP
        inner_pad := inner_pad || set_byte('\x00', 0, get_byte(padded, i) # 54);
        outer_pad := outer_pad || set_byte('\x00', 0, get_byte(padded, i) # 92);
    END LOOP;
    EXECUTE format('SELECT %s($1)', hash::regproc) USING inner_pad || message INTO digest;
    EXECUTE format('SELECT %s($1)', hash::regproc) USING outer_pad || digest INTO digest;
    RETURN digest;
END
$$;
CREATE FUNCTION stripe(secret text, at bigint, body text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('Stripe-Signature', format('t=%s,v1=%s', at, encode(hmac(
        convert_to(secret, 'UTF8'), convert_to(at || '.' || body, 'UTF8'), 'sha256(bytea)', 64), 'hex')))
$$;
CREATE FUNCTION paystack(secret text, body text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('x-paystack-signature', encode(hmac(
        convert_to(secret, 'UTF8'), convert_to(body, 'UTF8'), 'sha512(bytea)', 128), 'hex'))
$$;
CREATE FUNCTION standard(key text, id text, at bigint, body text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('webhook-id', id, 'webhook-timestamp', at::text, 'webhook-signature',
        'v1,' || encode(hmac(convert_to(key, 'UTF8'),
                             convert_to(id || '.' || at || '.' || body, 'UTF8'), 'sha256(bytea)', 64), 'base64'))
$$;
CREATE VIEW kept AS
    SELECT provider, event_id, kind, status, convert_from(body, 'UTF8') AS body, error,
           next_at IS NOT NULL AS due, closed_at IS NOT NULL AS closed
      FROM owo.webhook_event ORDER BY event_id COLLATE "C", provider;
-- 2026-11-01 00:00:05, ten seconds before the clock
\set at 1793491205
\set paid '{"id":"evt_1","object":"event","type":"invoice.paid","created":1793491204,"livemode":false,"data":{"object":{"id":"in_1","object":"invoice"}}}'

-- A role that may do nothing else receives them, wherever it looks for names.
SELECT stripe('whsec_stripe_new', :at, :'paid') AS first, stripe('whsec_stripe_new', :at + 60, :'paid') AS again,
       stripe('whsec_stripe_old', :at, :'paid') AS rotated \gset
SET ROLE hook_shop;
SET search_path = pg_temp;
SELECT status, duplicate FROM public.owo_webhook('stripe', :'first', convert_to(:'paid', 'UTF8'));
-- Delivered again, signed anew, with the other secret, as text, with the account named: one event.
SELECT status, duplicate FROM public.owo_webhook('stripe', :'again', convert_to(:'paid', 'UTF8'));
SELECT status, duplicate FROM public.owo_webhook_text('stripe', :'rotated', :'paid', 'test');
SELECT status FROM owo.webhook_event;
SELECT public.owo_check('a', 'b');
RESET search_path;
SET ROLE postgres;
SELECT * FROM kept;

-- One function for each provider, as PostgREST calls it. Bytes stay as they are: blanks, order, escapes.
SET ROLE hook_shop;
\set charge '{"event":"charge.success",  "data":{"status":"success","id":42,"domain":"test","reference":"r\\u0041", "amount":100,"currency":"NGN"}}'
SELECT set_config('request.headers', paystack('sk_test_paystack', :'charge')::text, false) <> '' AS set;
SELECT status, duplicate FROM owo_webhook_paystack(:'charge');
\set active '{"type":"subscription.active","business_id":"b","timestamp":"2026-11-01T00:00:04Z","data":{"payload_type":"Subscription","subscription_id":"sub_1","status":"active"}}'
SELECT set_config('request.headers', standard('dodo', 'msg_1', :at, :'active')::text, false) <> '' AS set;
SELECT status, duplicate FROM owo_webhook_dodo(:'active');
SELECT status, duplicate FROM owo_webhook_dodo(:'active');
\set unknown '{"type":"moon.risen","timestamp":"2026-11-01T00:00:04Z","data":{"id":"1"}}'
SELECT set_config('request.headers', standard('polar', 'msg_1', :at, :'unknown')::text, false) <> '' AS set;
SELECT status, duplicate FROM owo_webhook_polar(:'unknown');
\set product '{"id":"evt_2","object":"event","type":"product.created","created":1793491204,"livemode":false,"data":{"object":{"id":"p","object":"product"}}}'
SELECT set_config('request.headers', stripe('whsec_stripe_old', :at, :'product')::text, false) <> '' AS set;
SELECT duplicate FROM owo_webhook_stripe(:'product');

-- Signed, and no event: kept for a person, once.
\set odd 'not json'
SELECT status, duplicate FROM owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'odd'), :'odd');
SELECT status, duplicate FROM owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'odd'), :'odd');
-- Of the other environment: kept, never applied.
\set live '{"id":"evt_3","object":"event","type":"invoice.paid","created":1793491204,"livemode":true,"data":{"object":{"id":"in_1","object":"invoice"}}}'
SELECT status, duplicate FROM owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'live'), :'live');
SET ROLE postgres;
SELECT provider, event_id, kind, status, error, due, closed FROM kept;
SELECT body FROM kept WHERE provider = 'paystack';
-- Of headers only those are kept that it can be read by again.
SET ROLE hook_shop;
\set second '{"id":"evt_4","object":"event","type":"invoice.paid","created":1793491204,"livemode":false,"data":{"object":{"id":"in_2","object":"invoice"}}}'
SELECT status FROM owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'second')
    || '{"Authorization": "Bearer hidden", "cookie": "hidden", "apikey": "hidden"}', :'second');
SET ROLE postgres;
SELECT array_agg(DISTINCT header ORDER BY header) FROM owo.webhook_event, jsonb_object_keys(headers) AS header;

-- What is not believed leaves nothing, and whatever is wrong is said in the same words.
SELECT count(*) AS before FROM owo.webhook_event \gset
SET ROLE hook_shop;
\set new '{"id":"evt_5","object":"event","type":"invoice.paid","created":1793491204,"livemode":false,"data":{"object":{"id":"in_3","object":"invoice"}}}'
\set VERBOSITY default
SELECT owo_webhook_text('stripe', stripe('whsec_other', :at, :'new'), :'new');
SELECT owo_webhook_text('stripe', '{}', :'new');
SELECT owo_webhook_text('stripe', 'null', :'new');
SELECT owo_webhook_text('stripe', '[]', :'new');
SELECT owo_webhook_text('stripe', '{"stripe-signature": 1}', :'new');
SELECT owo_webhook_text('stripe', stripe('whsec_stripe_new', :at - 300, :'new'), :'new');
SELECT owo_webhook_text('stripe', stripe('whsec_stripe_new', :at + 400, :'new'), :'new');
SELECT owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'new'), :'new' || ' ');
SELECT owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'new'), left(:'new', -1));
SELECT owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'new'), :'new'::jsonb::text);
SELECT owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'new'), :'new', 'live');
SELECT owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'new'), :'new', 'nowhere');
SELECT owo_webhook_text('polar', stripe('whsec_stripe_new', :at, :'new'), :'new');
SELECT owo_webhook_paystack(:'charge');
SELECT set_config('request.headers', 'no json', false);
SELECT owo_webhook_stripe(:'new');
RESET request.headers;
SELECT owo_webhook_stripe(:'new');
-- An organization without the account says the same.
SET ROLE postgres;
SELECT slug FROM owo_organization('empty', environment => 'sandbox');
SELECT owo_grant_role('hook_shop', 'webhook', 'empty');
SET ROLE hook_shop;
SET owostack.organization = 'empty';
SELECT owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'new'), :'new');
SET owostack.organization = 'default';
\set VERBOSITY sqlstate
SELECT owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'new'), :'new');
SET owostack.organization = 'shop';
-- Broken calls.
SELECT owo_webhook_text('manual', '{}', :'new');
SELECT owo_webhook_text('paypal', '{}', :'new');
SELECT owo_webhook_text('stripe', NULL, :'new');
SELECT owo_webhook_text('stripe', '{}', NULL);
SELECT owo_webhook_stripe(NULL);
SELECT owo_webhook('stripe', '{}', convert_to(repeat('x', 2 * 1024 * 1024 + 1), 'UTF8'));
SELECT owo_webhook_text('stripe', jsonb_build_object('x', repeat('x', 65536)), '{}');
SELECT owo_webhook_replay('00000000-0000-7000-8000-000000000001');
SET ROLE postgres;
SELECT count(*) = :before AS nothing_is_left FROM owo.webhook_event;
-- An admin, a reader and an app of another level: only the first may.
SELECT owo_grant_role('owo_app', 'app', 'shop');
SET ROLE owo_app;
SELECT owo_webhook_text('stripe', '{}', '{}');

-- The sandbox clock judges age.
SET ROLE postgres;
SELECT owo_clock_advance('1 day');
SET ROLE hook_shop;
SELECT owo_webhook_text('stripe', stripe('whsec_stripe_new', :at, :'new'), :'new');
SELECT status, duplicate FROM owo_webhook_text('stripe', stripe('whsec_stripe_new', :at + 86400, :'new'), :'new');

-- Once more, as an administrator asks: judged anew, so that what is of the other environment stays dead.
SET ROLE postgres;
UPDATE owo.webhook_event SET status = 'conflict', next_at = NULL, closed_at = now(), attempts = 9, error = 'two customers are meant'
 WHERE event_id = 'evt_1';
UPDATE owo.webhook_event SET status = 'applied', next_at = NULL, closed_at = now() WHERE status = 'received' AND event_id <> 'evt_5';
SET ROLE owo_admin;
SELECT status, duplicate FROM owo_webhook_replay((SELECT id FROM owo.webhook_event WHERE event_id = 'evt_1'));
SELECT status, duplicate FROM owo_webhook_replay((SELECT id FROM owo.webhook_event WHERE event_id = 'evt_3'));
SELECT owo_webhook_replay('00000000-0000-7000-8000-000000000001');
SELECT event_id, status, error, attempts, next_at IS NOT NULL AS due FROM owo.webhook_event
 WHERE event_id IN ('evt_1', 'evt_3') ORDER BY 1;
UPDATE owo.webhook_event SET status = 'applied';
-- Bodies grow old by the organization's clock; those of what is to be applied stay, here for want of a bound account.
SET ROLE postgres;
DELETE FROM owo.provider_binding;
SELECT webhook_days FROM owo_organization_set('shop', '{"webhook_days": 30}');
SELECT owo_organization_set('shop', '{"webhook_days": 0}');
SELECT owo_clock_advance('29 days');
SELECT count(*) > 0 AS ran FROM owo_worker_tick();
SELECT count(*) FILTER (WHERE body IS NULL) AS dropped, count(*) > 5 AS kept FROM owo.webhook_event;
SELECT owo_clock_advance('2 days');
SELECT count(*) > 0 AS ran FROM owo_worker_tick();
SELECT event_id, body IS NULL AS dropped, headers = '{}' AS bare FROM owo.webhook_event ORDER BY event_id COLLATE "C", provider;
SET ROLE owo_admin;
SELECT owo_webhook_replay((SELECT id FROM owo.webhook_event WHERE event_id = 'evt_3'));
-- An organization sees its own.
SET owostack.organization = 'empty';
SELECT owo_webhook_replay((SELECT id FROM owo.webhook_event WHERE event_id = 'evt_1'));
