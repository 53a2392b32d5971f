-- Jobs for providers: what waits, why, and what a person can do about it.

-- From here on objects are created in the extension's schema again.
SET LOCAL search_path TO @extschema@, pg_temp;

CREATE FUNCTION owo_queue_retry(id uuid) RETURNS owo.outbox
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_queue_retry_wrapper';
COMMENT ON FUNCTION owo_queue_retry(uuid) IS 'have a job for a provider tried again at once';

CREATE FUNCTION owo_queue_drop(id uuid, reason text) RETURNS owo.outbox
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'owo_queue_drop_wrapper';
COMMENT ON FUNCTION owo_queue_drop(uuid, text) IS 'give up a job for a provider';

-- Bindings are no reader's to read; whether there is one, everybody may know.
CREATE FUNCTION owo._bound_accounts() RETURNS SETOF uuid
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', '_bound_accounts_wrapper';
COMMENT ON FUNCTION owo._bound_accounts() IS 'accounts at providers that this database may use';

-- What views call must be the system's, whatever stands in the extension's schema.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- One line for jobs of one kind that stand alike; what has an advice needs a person.
CREATE VIEW owo.queue_status WITH (security_invoker = true) AS
    SELECT x.organization,
           x.provider,
           x.environment,
           x.kind,
           x.state,
           count(*) AS jobs,
           min(x.created_at) AS oldest_at,
           min(x.next_at) AS next_at,
           max(x.attempts) AS attempts,
           (array_agg(x.error ORDER BY x.updated_at DESC) FILTER (WHERE x.error IS NOT NULL))[1]
               AS last_error,
           x.advice
      FROM (SELECT g.slug AS organization,
                   a.provider,
                   a.environment,
                   o.kind,
                   o.state,
                   o.created_at,
                   o.updated_at,
                   CASE WHEN o.state IN ('queued', 'failed') THEN o.next_at END AS next_at,
                   o.attempts,
                   o.error,
                   CASE WHEN o.state = 'dead'
                        THEN 'Remove the cause and call owo_queue_retry(id), or owo_queue_drop(id, reason); ids are in owo.outbox.'
                        WHEN a.id NOT IN (SELECT owo._bound_accounts())
                        THEN 'This database does not use the account: call owo_provider_adopt() in the one that should.'
                        WHEN NOT coalesce(current_setting('owostack.outbox', true), 'on')::boolean
                        THEN 'Calls to providers are switched off: set owostack.outbox to on.'
                        WHEN a.resting_until > now() AND o.state IN ('queued', 'failed')
                        THEN format('The account rests until %s: %s. owo_provider_set() ends that.',
                                    a.resting_until, a.resting_reason)
                        WHEN o.state = 'failed' AND o.attempts >= 5
                        THEN 'It is repeated by itself; see last_error for what keeps it.'
                        WHEN o.state = 'queued' AND o.next_at < now() - interval '5 minutes'
                        THEN 'Nobody sends it: see owo.worker_status.'
                   END AS advice
              FROM owo.outbox AS o
              JOIN owo.provider_account AS a ON a.id = o.account_id
              JOIN owo.organization AS g ON g.id = o.organization_id
             WHERE o.state <> 'done') AS x
     GROUP BY x.organization, x.provider, x.environment, x.kind, x.state, x.advice;
COMMENT ON VIEW owo.queue_status IS 'jobs for providers that are not done: how many, since when, why, what to do';
