-- What the specs share: a shop's catalog, and a customer of its own for each permutation, so that none sees what another left.
-- (A spec cannot hold braces, and with them no JSON.)
SET ROLE owo_admin;
CREATE SEQUENCE permutation;
GRANT ALL ON SEQUENCE permutation TO owo_app;

CREATE FUNCTION load_shop() RETURNS boolean LANGUAGE sql AS $$
    SELECT (owo_sync('{
        "features": [{"slug": "calls"}, {"slug": "sso", "type": "boolean"}, {"slug": "seats", "type": "entity"}],
        "plans": [
            {"slug": "free", "planGroup": "main", "rank": 0, "features": [{"slug": "calls", "limit": 1}]},
            {"slug": "basic", "planGroup": "main", "rank": 1, "features": [{"slug": "calls", "limit": 10}, {"slug": "seats", "limit": 2}, {"slug": "sso"}]},
            {"slug": "weekly", "planGroup": "main", "rank": 1, "features": [{"slug": "calls", "limit": 10, "reset": "week"}]},
            {"slug": "large", "planGroup": "main", "rank": 2, "features": [{"slug": "calls", "limit": 100}, {"slug": "seats", "limit": 5}]}]}')
        -> 'success')::boolean
$$;

-- the customer of the running permutation
CREATE FUNCTION me() RETURNS text LANGUAGE sql AS $$ SELECT 'customer ' || last_value FROM permutation $$;

CREATE FUNCTION new_customer() RETURNS boolean LANGUAGE sql AS $$
    SELECT nextval('permutation') > 0 AND (owo_customer(me())).key = me()
$$;

-- a feature that everybody has, and one that credits pay for
CREATE FUNCTION load_credits() RETURNS boolean LANGUAGE sql AS $$
    SELECT (owo_sync('{
        "features": [{"slug": "drops", "default": 10}, {"slug": "images"}],
        "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}]}')
        -> 'success')::boolean
$$;

-- the grant of the running permutation's customer
CREATE FUNCTION my_grant() RETURNS uuid LANGUAGE sql AS $$
    SELECT g.id FROM owo.credit_grant AS g JOIN owo.customer AS c ON c.id = g.customer_id WHERE c.key = me()
$$;

-- its largest hold
CREATE FUNCTION my_hold() RETURNS uuid LANGUAGE sql AS $$
    SELECT r.id FROM owo.reservation AS r JOIN owo.customer AS c ON c.id = r.customer_id
     WHERE c.key = me() ORDER BY r.quantity DESC LIMIT 1
$$;

-- a pool of credits that two features draw from
CREATE FUNCTION load_pool() RETURNS boolean LANGUAGE sql AS $$
    SELECT (owo_sync('{
        "features": [{"slug": "pictures"}, {"slug": "words"}],
        "creditSystems": [{"slug": "pool", "features": [{"feature": "pictures", "creditCost": 5}, {"feature": "words", "creditCost": 1}]}]}')
        -> 'success')::boolean
$$;
