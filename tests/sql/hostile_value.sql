-- An administrator writes extreme values into every column of the catalog by plain SQL: refused or understood, and whatever
-- was understood leaves every function able to answer. Generated from the columns.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET ROLE owo_admin;
SELECT owo_sync('{"features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}, {"slug": "images"}, {"slug": "region", "type": "static", "default": "eu"}, {"slug": "sso", "type": "boolean"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
  "creditPacks": [{"slug": "pack", "name": "Pack", "credits": 5, "price": 1, "currency": "USD", "creditSystem": "credits", "expiresAfter": "1 month"}],
  "planGroups": [{"slug": "main", "features": ["calls"]}],
  "plans": [{"slug": "base", "planGroup": "main", "autoEnable": true, "onExpire": "pro", "features": [{"slug": "calls", "limit": 900, "rollover": true, "maxRollover": 5, "rolloverExpiresAfter": "1 month"},
                {"slug": "seats", "limit": 30}, {"slug": "credits", "limit": 50}, {"slug": "region", "value": "us"}, {"slug": "sso"}]},
            {"slug": "pro", "planGroup": "main", "price": 100, "currency": "USD", "trialDays": 3, "billingCycles": [{"key": "y", "price": 900, "interval": "yearly"}],
             "features": [{"slug": "calls", "limit": 90, "overage": "charge", "overagePrice": 1, "ratingModel": "graduated", "tiers": [{"upTo": 5, "unitPrice": 1}, {"upTo": null, "unitPrice": 2}]}]}]}') -> 'success';
SELECT key FROM owo_customer('acme');
SELECT code FROM owo_track('acme', 'calls', 3);
CREATE TEMP TABLE attempt (relation text, column_name text, value text, sqlstate text, call text);
-- rows that a rolled-back block wrote are lost with it, so the block reports by what it raises
CREATE FUNCTION pg_temp.probe(relation text, column_name text, value text, type text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    call text;
    internal text[] := '{}';
    state text;
BEGIN
    BEGIN
        EXECUTE format('UPDATE owo.%I SET %I = %L::%s', relation, column_name, value, type);
        FOREACH call IN ARRAY ARRAY['owo_features(''acme'')', 'owo_explain(''acme'', ''calls'')', 'owo_track(''acme'', ''calls'', 2)', 'owo_track(''acme'', ''images'', 0.1)',
            'owo_attach(''acme'', ''pro'')', 'owo_customer(''new'')', 'owo_sync(owo_catalog())', 'owo_addon(''acme'', ''pack'')'] LOOP
            BEGIN
                EXECUTE format('SELECT count(t) FROM %s AS t', call);
            EXCEPTION WHEN OTHERS THEN
                IF sqlstate LIKE 'XX%' THEN
                    internal := internal || format('%s: %s', call, sqlerrm);
                END IF;
            END;
        END LOOP;
        RAISE EXCEPTION 'undo' USING ERRCODE = 'P0099';
    EXCEPTION WHEN OTHERS THEN
        state := sqlstate;
        IF sqlstate LIKE 'XX%' THEN
            internal := internal || format('UPDATE: %s', sqlerrm);
        END IF;
    END;
    INSERT INTO attempt VALUES (relation, column_name, value, state, array_to_string(internal, '; '));
END
$$;
SELECT count(pg_temp.probe(c.relname, a.attname, v.value, format_type(a.atttypid, a.atttypmod))) > 400 AS probes
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN LATERAL (
    SELECT * FROM unnest(CASE format_type(a.atttypid, NULL)
        WHEN 'text' THEN ARRAY['', 'x', 'base', E'\u0001', repeat('z', 256), repeat('é', 1000), '9999999 years', '178000000 years', 'infinity', 'never', 'graduated', 'usage_based']
        WHEN 'numeric' THEN ARRAY['0', '-1', 'NaN', 'Infinity', '-Infinity', '1e-9', '1e-10', '99999999999999999999.999999999', '100000000000000000000', '1e131071']
        WHEN 'bigint' THEN ARRAY['0', '-1', '9223372036854775807', '-9223372036854775808']
        WHEN 'integer' THEN ARRAY['0', '-1', '1', '1000', '3650', '2147483647', '-2147483648']
        WHEN 'boolean' THEN ARRAY['true', 'false']
        WHEN 'timestamp with time zone' THEN ARRAY['infinity', '-infinity', '0001-01-01 BC', '4713-01-01 BC', '294276-12-31', '1970-01-01', '9999-12-31']
        WHEN 'uuid' THEN ARRAY['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']
        WHEN 'jsonb' THEN ARRAY['null', '{}', '[]', '-1', '1e400', '"x"', '{"a": {"b": [1, 2, 3]}}', '[{"upTo": 1e30, "unitPrice": 1e30, "flatFee": 1e30}]', '[{"upTo": null, "unitPrice": 99999999999999999999}]', '99999999999999999999', '0.0000000001',
                                '"' || repeat('w', 16383) || '"', repeat('[', 300) || repeat(']', 300)]
        ELSE ARRAY['x'] END || NULL) AS value) AS v
WHERE c.relnamespace = 'owo'::regnamespace AND has_table_privilege(c.oid, 'UPDATE');
-- internal errors: none
SELECT relation, column_name, left(value, 30) AS value, sqlstate, call FROM attempt WHERE call <> '' ORDER BY 1, 2, 3;
-- some were refused, some understood
SELECT count(*) FILTER (WHERE sqlstate = 'P0099') > 100 AS understood, count(*) FILTER (WHERE sqlstate <> 'P0099') > 200 AS refused FROM attempt;
