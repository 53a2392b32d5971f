//! The record of usage by month: which months have grown old, and how one is dropped (protocol 29).

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};

/// The oldest month (as `YYYY-MM-01`) that lies `months` before the running one and may be dropped: all of
/// its rows are folded, and no hold that was taken in it is open.
///
/// # Errors
/// As `spi::read`.
pub fn oldest(snapshot: &Snapshot, now: DateTime<Utc>, months: i32) -> Result<Option<String>> {
    static OLDEST: Statement = Statement::new(
        "SELECT to_char(x.month, 'YYYY-MM-DD')
           FROM (SELECT to_date(right(c.relname, 7), 'YYYY_MM')::timestamp AS month
                   FROM pg_inherits AS i
                   JOIN pg_class AS c ON c.oid = i.inhrelid
                  WHERE i.inhparent = 'owo.usage_event'::regclass
                    AND NOT i.inhdetachpending) AS x
          WHERE x.month < date_trunc('month', $1 AT TIME ZONE 'UTC') - make_interval(months => $2)
            AND NOT EXISTS (
                SELECT FROM owo.usage_pending AS u
                 WHERE date_trunc('month', u.at AT TIME ZONE 'UTC') = x.month)
            AND NOT EXISTS (
                SELECT FROM owo.reservation AS r
                 WHERE r.status = 'open'
                   AND date_trunc('month', r.created_at AT TIME ZONE 'UTC') = x.month)
          ORDER BY x.month LIMIT 1",
    );
    let found = spi::read(snapshot, &OLDEST, arguments![now, months], |row| row.get(0))?;
    Ok(found.into_iter().next())
}

/// How many sums of meters rest on an opening balance: part of their record has been dropped.
///
/// # Errors
/// As `spi::read`.
pub fn openings(snapshot: &Snapshot) -> Result<i64> {
    static OPENINGS: Statement =
        Statement::new("SELECT count(*) FROM owo.meter_period WHERE opening <> 0");
    let found = spi::read(snapshot, &OPENINGS, arguments![], |row| row.get::<i64>(0))?;
    Ok(found.into_iter().next().unwrap_or(0))
}

/// Drops a month given as `YYYY-MM-01`; false while somebody reads the record.
///
/// # Errors
/// As `spi::write`.
pub fn drop_month(month: &str) -> Result<bool> {
    static DROP: Statement = Statement::new("SELECT owo._drop_month($1::date)");
    let dropped = spi::write(&DROP, arguments![month], |row| row.get::<bool>(0))?;
    Ok(dropped.into_iter().next().unwrap_or(false))
}
