-- Accounts at payment providers.

-- From here on objects are created in the extension's schema again.
SET LOCAL search_path TO @extschema@, pg_temp;

-- Credentials go in by bind parameter or file: a literal would stand in whatever logs statements.
CREATE FUNCTION owo_provider_set(
    provider text,
    credentials jsonb,
    environment text DEFAULT 'test',
    is_default boolean DEFAULT false
) RETURNS owo.provider_account
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_provider_set_wrapper';
COMMENT ON FUNCTION owo_provider_set(text, jsonb, text, boolean)
    IS 'make an account at a provider or change its credentials';
