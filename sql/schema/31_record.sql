-- Dropping a month of the record: what was used stays, as an opening balance of each sum (protocol 29).

-- Called by the round alone, which holds the lock of the fold: nobody adds to the month meanwhile. It
-- waits for readers no longer than a moment, before it has done any work, and is tried again much later.
CREATE FUNCTION owo._drop_month(month date) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
    record text := format('owo.usage_event_%s', to_char(month, 'YYYY_MM'));
BEGIN
    LOCK TABLE owo.usage_event IN ACCESS EXCLUSIVE MODE;
    EXECUTE format(
        'UPDATE owo.meter_period AS p
            SET opening = p.opening + r.quantity, carried_opening = p.carried_opening + r.carried,
                taken_opening = p.taken_opening + r.taken
           FROM (SELECT customer_id, meter_id, number, sum(quantity) AS quantity,
                        coalesce(sum(quantity) FILTER (WHERE kind = ''carry''), 0) AS carried,
                        coalesce(sum(quantity) FILTER (WHERE kind IN (''expired'', ''voided'')), 0)
                            AS taken
                   FROM %s GROUP BY customer_id, meter_id, number) AS r
          WHERE p.customer_id = r.customer_id AND p.meter_id = r.meter_id AND p.number = r.number',
        record);
    EXECUTE format(
        'UPDATE owo.meter_feature AS f
            SET opening = f.opening + r.quantity, carried_opening = f.carried_opening + r.carried
           FROM (SELECT customer_id, meter_id, number, feature_id, sum(quantity) AS quantity,
                        coalesce(sum(quantity) FILTER (WHERE kind = ''carry''), 0) AS carried
                   FROM %s WHERE kind <> ''hold''
                  GROUP BY customer_id, meter_id, number, feature_id) AS r
          WHERE f.customer_id = r.customer_id AND f.meter_id = r.meter_id AND f.number = r.number
            AND f.feature_id = r.feature_id',
        record);
    EXECUTE format(
        'UPDATE owo.usage_daily AS d SET opening = d.opening + r.units
           FROM (SELECT customer_id, feature_id, (at AT TIME ZONE ''UTC'')::date AS day,
                        sum(units) AS units
                   FROM %s GROUP BY 1, 2, 3) AS r
          WHERE d.customer_id = r.customer_id AND d.feature_id = r.feature_id AND d.day = r.day',
        record);
    EXECUTE format('DROP TABLE %s', record);
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION owo._drop_month(date) IS 'drops a month of the record and keeps its sums';
