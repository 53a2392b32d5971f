-- Organizations, rights, the sandbox clock, fold, proof, version.

CREATE FUNCTION owo_organization(
    slug text,
    name text DEFAULT NULL,
    environment text DEFAULT NULL,
    timezone text DEFAULT NULL
) RETURNS owo.organization
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_organization_wrapper';
COMMENT ON FUNCTION owo_organization(text, text, text, text)
    IS 'create or resolve an organization; live unless created as sandbox';

CREATE FUNCTION owo_organization_set(slug text, settings jsonb) RETURNS owo.organization
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_organization_set_wrapper';
COMMENT ON FUNCTION owo_organization_set(text, jsonb) IS 'change settings of an organization';

CREATE FUNCTION owo_grant_role(role regrole, level text, organization text DEFAULT NULL)
    RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_grant_role_wrapper';
COMMENT ON FUNCTION owo_grant_role(regrole, text, text)
    IS 'give a role a level in one organization or all; none takes it back';

CREATE FUNCTION owo_clock_set(at timestamptz) RETURNS timestamptz
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_clock_set_wrapper';
COMMENT ON FUNCTION owo_clock_set(timestamptz) IS 'set the sandbox clock and run what falls due';

CREATE FUNCTION owo_clock_advance("by" interval) RETURNS timestamptz
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_clock_advance_wrapper';
COMMENT ON FUNCTION owo_clock_advance(interval) IS 'move the sandbox clock and run what falls due';

CREATE FUNCTION owo_clock_reset() RETURNS timestamptz
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_clock_reset_wrapper';
COMMENT ON FUNCTION owo_clock_reset() IS 'let the sandbox clock follow real time again';

CREATE FUNCTION owo_worker_tick(max_jobs integer DEFAULT 100) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_worker_tick_wrapper';
COMMENT ON FUNCTION owo_worker_tick(integer) IS 'one round of the worker''s database work';

CREATE FUNCTION owo_verify() RETURNS TABLE (subject text, expected text, actual text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_verify_wrapper';
COMMENT ON FUNCTION owo_verify() IS 'recompute every balance from the record; no row is proof';

CREATE FUNCTION owo_version() RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'owo_version_wrapper';
COMMENT ON FUNCTION owo_version() IS 'version of the loaded library';
