-- How it stands with the background worker of this database.

-- Reads shared memory, which every reader may know of; texts of errors, which may speak of any
-- organization, are for administrators of all.
CREATE FUNCTION owo._worker_status() RETURNS TABLE (
    state text,
    advice text,
    pid integer,
    started_at timestamptz,
    heartbeat_at timestamptz,
    next_due_at timestamptz,
    rounds bigint,
    folded bigint,
    errors bigint,
    last_error text,
    last_error_at timestamptz
)
    LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', '_worker_status_wrapper';
COMMENT ON FUNCTION owo._worker_status() IS 'state of this database''s background worker';

-- What views call must be the system's, whatever stands in the extension's schema.
SET LOCAL search_path TO pg_catalog, pg_temp;

CREATE VIEW owo.worker_status WITH (security_invoker = true) AS
    SELECT current_database() AS database,
           state,
           advice,
           pid,
           started_at,
           heartbeat_at,
           next_due_at,
           rounds,
           folded,
           errors,
           last_error,
           last_error_at
      FROM owo._worker_status();
COMMENT ON VIEW owo.worker_status IS 'what the background worker of this database does and lacks';
