//! The fold: pending rows become sums and record (protocol 27), and the proof that they agree.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::{Error, Result};
use chrono::{Months, NaiveDate};

/// Months (as `YYYY-MM-01`) of committed pending rows that have no partition yet.
///
/// # Errors
/// As `spi::read`.
pub fn months_without_partition(snapshot: &Snapshot) -> Result<Vec<String>> {
    static MONTHS: Statement = Statement::new(
        "SELECT to_char(month, 'YYYY-MM-DD')
           FROM (SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC') AS month
                   FROM owo.usage_pending) AS x
          WHERE to_regclass('owo.usage_event_' || to_char(month, 'YYYY_MM')) IS NULL
          ORDER BY 1",
    );
    spi::read(snapshot, &MONTHS, arguments![], |row| row.get(0))
}

/// Makes the partition of a month given as `YYYY-MM-01`.
///
/// Children carry the primary key, the parent no index: so a dump restores (protocol 29). Bounds are
/// spelled in UTC, whatever zone the session has.
///
/// # Errors
/// As `spi::utility`.
pub fn create_partition(month: &str) -> Result<()> {
    let begin = month
        .parse::<NaiveDate>()
        .map_err(|_| Error::internal(format!("\"{month}\" is no month")))?;
    let end = begin
        .checked_add_months(Months::new(1))
        .ok_or_else(|| Error::internal(format!("no month follows \"{month}\"")))?;
    let name = begin.format("usage_event_%Y_%m");
    spi::utility(&format!(
        "CREATE TABLE owo.{name} (LIKE owo.usage_event INCLUDING DEFAULTS INCLUDING STORAGE, \
         CONSTRAINT {name}_pkey PRIMARY KEY (customer_id, id))"
    ))?;
    // Default privileges of the database may have given it away.
    spi::utility(&format!("SELECT owo._revoke_all('owo.{name}')"))?;
    spi::utility(&format!("ALTER TABLE owo.{name} ENABLE ROW LEVEL SECURITY"))?;
    spi::utility(&format!(
        "ALTER TABLE owo.usage_event ATTACH PARTITION owo.{name} \
         FOR VALUES FROM ('{begin} 00:00:00+00') TO ('{end} 00:00:00+00')"
    ))
}

/// Moves up to `limit` committed rows whose month has a partition; returns how many it moved.
///
/// # Errors
/// As `spi::write`.
pub fn fold(limit: i64) -> Result<i64> {
    static FOLD: Statement = Statement::new(
        "WITH ready AS MATERIALIZED (
             SELECT to_date(right(c.relname, 7), 'YYYY_MM')::timestamp AS month
               FROM pg_inherits AS i
               JOIN pg_class AS c ON c.oid = i.inhrelid
              WHERE i.inhparent = 'owo.usage_event'::regclass),
         picked AS (
             SELECT ctid FROM owo.usage_pending
              WHERE date_trunc('month', at AT TIME ZONE 'UTC') IN (SELECT month FROM ready)
              LIMIT $1 FOR UPDATE SKIP LOCKED),
         moved AS (
             DELETE FROM owo.usage_pending AS u USING picked WHERE u.ctid = picked.ctid
             RETURNING u.*),
         meters AS (
             INSERT INTO owo.meter
                 (customer_id, id, subject_id, source_id, source_kind, cadence, anchor_at, count_number,
                  origin, parent_id, entity)
             SELECT DISTINCT ON (customer_id, meter_id)
                    customer_id, meter_id, subject_id, source_id, source_kind, cadence, anchor_at,
                    count_number, origin, parent_id, meter_entity
               FROM moved ORDER BY customer_id, meter_id
             ON CONFLICT (customer_id, id) DO NOTHING),
         periods AS (
             INSERT INTO owo.meter_period
                 (customer_id, meter_id, number, used, period_start, period_end, carried)
             SELECT customer_id, meter_id, number, sum(quantity), min(period_start), max(period_end),
                    coalesce(sum(quantity) FILTER (WHERE kind = 'carry'), 0)
               FROM moved GROUP BY customer_id, meter_id, number
              ORDER BY customer_id, meter_id, number
             ON CONFLICT (customer_id, meter_id, number)
                DO UPDATE SET used = meter_period.used + excluded.used,
                              carried = meter_period.carried + excluded.carried),
         shares AS (
             INSERT INTO owo.meter_feature
                 (customer_id, meter_id, number, feature_id, used, units, carried)
             SELECT customer_id, meter_id, number, feature_id, sum(quantity), sum(units),
                    coalesce(sum(quantity) FILTER (WHERE kind = 'carry'), 0)
               FROM moved WHERE feature_id <> subject_id AND kind <> 'hold'
              GROUP BY customer_id, meter_id, number, feature_id
              ORDER BY customer_id, meter_id, number, feature_id
             ON CONFLICT (customer_id, meter_id, number, feature_id)
                DO UPDATE SET used = meter_feature.used + excluded.used,
                              units = meter_feature.units + excluded.units,
                              carried = meter_feature.carried + excluded.carried),
         days AS (
             INSERT INTO owo.usage_daily (customer_id, feature_id, day, units)
             SELECT customer_id, feature_id, (at AT TIME ZONE 'UTC')::date, sum(units)
               FROM moved WHERE units <> 0
              GROUP BY customer_id, feature_id, (at AT TIME ZONE 'UTC')::date
              ORDER BY 1, 2, 3
             ON CONFLICT (customer_id, feature_id, day)
                DO UPDATE SET units = usage_daily.units + excluded.units),
         record AS (
             INSERT INTO owo.usage_event
                 (customer_id, id, meter_id, number, quantity, units, feature_id, at, kind, entity,
                  metadata)
             SELECT customer_id, id, meter_id, number, quantity, units, feature_id, at, kind,
                    entity, metadata
               FROM moved)
         SELECT count(*) FROM moved",
    );
    let moved = spi::write(&FOLD, arguments![limit], |row| row.get::<i64>(0))?;
    Ok(moved.into_iter().next().unwrap_or(0))
}

/// One balance that does not follow from the record.
pub struct Difference {
    pub subject: String,
    pub expected: String,
    pub actual: String,
}

/// Compares every folded sum with the record, and what must be unique or whole with the rows.
///
/// # Errors
/// As `spi::read`.
pub fn differences(snapshot: &Snapshot) -> Result<Vec<Difference>> {
    static DIFFERENCES: Statement = Statement::new(
        "WITH recorded AS (
             SELECT customer_id, meter_id, number, sum(quantity) AS quantity,
                    coalesce(sum(quantity) FILTER (WHERE kind = 'carry'), 0) AS carried
               FROM owo.usage_event GROUP BY customer_id, meter_id, number),
         held AS (
             SELECT customer_id, meter_id, number, sum(quantity) AS quantity
               FROM (SELECT customer_id, meter_id, number, quantity, kind FROM owo.usage_event
                     UNION ALL
                     SELECT customer_id, meter_id, number, quantity, kind FROM owo.usage_pending) AS x
              WHERE kind = 'hold' GROUP BY customer_id, meter_id, number),
         shares AS (
             SELECT e.customer_id, e.meter_id, e.number, e.feature_id, sum(e.quantity) AS quantity,
                    coalesce(sum(e.quantity) FILTER (WHERE e.kind = 'carry'), 0) AS carried
               FROM owo.usage_event AS e
               JOIN owo.meter AS m ON m.customer_id = e.customer_id AND m.id = e.meter_id
              WHERE e.kind <> 'hold' AND e.feature_id <> m.subject_id
              GROUP BY e.customer_id, e.meter_id, e.number, e.feature_id),
         open AS (
             SELECT r.customer_id, (l.line -> 'place' ->> 'meter_id')::uuid AS meter_id,
                    (l.line -> 'place' ->> 'number')::bigint AS number,
                    sum((l.line ->> 'amount')::numeric) AS quantity
               FROM owo.reservation AS r
              CROSS JOIN LATERAL jsonb_array_elements(r.lines) AS l (line)
              WHERE r.status = 'open' GROUP BY 1, 2, 3),
         daily AS (
             SELECT customer_id, feature_id, (at AT TIME ZONE 'UTC')::date AS day, sum(units) AS units
               FROM owo.usage_event WHERE units <> 0
              GROUP BY customer_id, feature_id, (at AT TIME ZONE 'UTC')::date)
         SELECT format('meter %s period %s of customer %s',
                       coalesce(p.meter_id, r.meter_id), coalesce(p.number, r.number),
                       coalesce(p.customer_id, r.customer_id)),
                trim_scale(coalesce(r.quantity, 0) + coalesce(p.opening, 0))::text,
                coalesce(trim_scale(p.used)::text, 'no row')
           FROM recorded AS r
           FULL JOIN owo.meter_period AS p
             ON p.customer_id = r.customer_id AND p.meter_id = r.meter_id AND p.number = r.number
          WHERE coalesce(r.quantity, 0) + coalesce(p.opening, 0) IS DISTINCT FROM p.used
         UNION ALL
         SELECT format('usage of day %s, feature %s, customer %s', coalesce(a.day, d.day),
                       coalesce(a.feature_id, d.feature_id), coalesce(a.customer_id, d.customer_id)),
                trim_scale(coalesce(d.units, 0) + coalesce(a.opening, 0))::text,
                coalesce(trim_scale(a.units)::text, 'no row')
           FROM daily AS d
           FULL JOIN owo.usage_daily AS a
             ON a.customer_id = d.customer_id AND a.feature_id = d.feature_id AND a.day = d.day
          WHERE coalesce(d.units, 0) + coalesce(a.opening, 0) <> coalesce(a.units, 0)
         UNION ALL
         SELECT format('feature %s on meter %s period %s of customer %s',
                       coalesce(s.feature_id, r.feature_id), coalesce(s.meter_id, r.meter_id),
                       coalesce(s.number, r.number), coalesce(s.customer_id, r.customer_id)),
                trim_scale(coalesce(r.quantity, 0) + coalesce(s.opening, 0))::text,
                coalesce(trim_scale(s.used)::text, 'no row')
           FROM shares AS r
           FULL JOIN owo.meter_feature AS s
             ON s.customer_id = r.customer_id AND s.meter_id = r.meter_id AND s.number = r.number
            AND s.feature_id = r.feature_id
          WHERE coalesce(r.quantity, 0) + coalesce(s.opening, 0) IS DISTINCT FROM s.used
         UNION ALL
         SELECT format('carried to meter %s period %s of customer %s', p.meter_id, p.number,
                       p.customer_id),
                trim_scale(coalesce(r.carried, 0) + p.carried_opening)::text,
                trim_scale(p.carried)::text
           FROM owo.meter_period AS p
           LEFT JOIN recorded AS r
             ON r.customer_id = p.customer_id AND r.meter_id = p.meter_id AND r.number = p.number
          WHERE coalesce(r.carried, 0) + p.carried_opening <> p.carried
         UNION ALL
         SELECT format('carried to feature %s on meter %s period %s of customer %s', s.feature_id,
                       s.meter_id, s.number, s.customer_id),
                trim_scale(coalesce(r.carried, 0) + s.carried_opening)::text,
                trim_scale(s.carried)::text
           FROM owo.meter_feature AS s
           LEFT JOIN shares AS r
             ON r.customer_id = s.customer_id AND r.meter_id = s.meter_id AND r.number = s.number
            AND r.feature_id = s.feature_id
          WHERE coalesce(r.carried, 0) + s.carried_opening <> s.carried
         UNION ALL
         SELECT format('meter %s of customer %s', p.meter_id, p.customer_id), 'a meter row', 'no row'
           FROM (SELECT DISTINCT customer_id, meter_id FROM owo.meter_period) AS p
           LEFT JOIN owo.meter AS m ON m.customer_id = p.customer_id AND m.id = p.meter_id
          WHERE m.id IS NULL
         UNION ALL
         SELECT format('usage of meter %s period %s, customer %s', u.meter_id, u.number, u.customer_id),
                'not below zero', trim_scale(sum(u.quantity) + coalesce(min(p.used), 0))::text
           FROM owo.usage_pending AS u
           LEFT JOIN owo.meter_period AS p
             ON p.customer_id = u.customer_id AND p.meter_id = u.meter_id AND p.number = u.number
          GROUP BY u.customer_id, u.meter_id, u.number
         HAVING sum(u.quantity) + coalesce(min(p.used), 0) < 0
         UNION ALL
         SELECT format('usage of meter %s period %s, customer %s', p.meter_id, p.number, p.customer_id),
                'not below zero', trim_scale(p.used)::text
           FROM owo.meter_period AS p
          WHERE p.used < 0 AND NOT EXISTS (
                SELECT FROM owo.usage_pending AS u
                 WHERE u.customer_id = p.customer_id AND u.meter_id = p.meter_id
                   AND u.number = p.number)
         UNION ALL
         SELECT format('open holds on meter %s period %s, customer %s',
                       coalesce(h.meter_id, o.meter_id), coalesce(h.number, o.number),
                       coalesce(h.customer_id, o.customer_id)),
                trim_scale(coalesce(o.quantity, 0))::text, trim_scale(coalesce(h.quantity, 0))::text
           FROM held AS h
           FULL JOIN open AS o
             ON o.customer_id = h.customer_id AND o.meter_id = h.meter_id AND o.number = h.number
          WHERE coalesce(h.quantity, 0) <> coalesce(o.quantity, 0)
         UNION ALL
         SELECT format('customer of usage %s', x.customer_id), 'a customer row', 'no row'
           FROM (SELECT DISTINCT customer_id FROM owo.usage_pending
                 UNION SELECT DISTINCT customer_id FROM owo.meter) AS x
           LEFT JOIN owo.customer AS c ON c.id = x.customer_id
          WHERE c.id IS NULL
          ORDER BY 1",
    );
    spi::read(snapshot, &DIFFERENCES, arguments![], |row| {
        Ok(Difference {
            subject: row.get(0)?,
            expected: row.get(1)?,
            actual: row.get(2)?,
        })
    })
}
