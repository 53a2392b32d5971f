//! `owo.usage_key`: idempotency keys with the request they answered and the answer.
//!
//! Found and stored without a statement where the table is as we made it: a batch has thousands.

use crate::arguments;
use crate::backend::clock::{self, Tick};
use crate::backend::generation;
use crate::backend::heap::{self, Made};
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::backend::texts::Texts;
use crate::backend::walk::{self, Key};
use crate::error::Result;
use chrono::{DateTime, Utc};
use pgrx::pg_sys;
use uuid::Uuid;

/// Columns of `owo.usage_key`.
const COLUMNS: usize = 5;
/// Its primary key and the index by time; no triggers.
const MADE: Made = Made {
    indexes: 2,
    triggers: 0,
};
const KEY: Key = Key { id: 1, text: 3 };

/// What was answered under a key, as JSON text.
#[derive(Debug, Clone)]
pub struct Answered {
    pub request: String,
    pub result: String,
    pub created_at: DateTime<Utc>,
}

/// The oid of the table; 0 without the extension.
fn table() -> pg_sys::Oid {
    generation::own_table(c"usage_key")
}

/// The answers stored under keys, with their places among `keys`, which are in ascending order.
///
/// # Errors
/// As `spi::read`.
pub fn find_many(snapshot: &Snapshot, keys: &[(Uuid, &str)]) -> Result<Vec<(usize, Answered)>> {
    static FIND: Statement = Statement::look_up(
        "SELECT k.request::text, k.result::text, k.created_at, x.place
           FROM unnest($1, $2) WITH ORDINALITY AS x (customer_id, key, place)
           JOIN owo.usage_key AS k ON k.customer_id = x.customer_id AND k.key = x.key",
    );
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(found) = walk::find(table(), KEY, snapshot, keys) {
        let read = |(place, row): (usize, Row)| Ok((place, answered(&row, [3, 4, 1])?));
        return found.into_iter().map(read).collect();
    }
    let (customers, keys): (Vec<Uuid>, Vec<&str>) = keys.iter().copied().unzip();
    spi::read(snapshot, &FIND, arguments![customers, keys], |row| {
        let place = usize::try_from(row.get::<i64>(3)?).unwrap_or(0);
        Ok((place.saturating_sub(1), answered(row, [0, 1, 2])?))
    })
}

fn answered(row: &Row, [request, result, created_at]: [usize; 3]) -> Result<Answered> {
    Ok(Answered {
        request: row.get(request)?,
        result: row.get(result)?,
        created_at: row.get(created_at)?,
    })
}

/// An answer to be stored, as JSON text.
#[derive(Debug)]
pub struct NewAnswer<'a> {
    pub customer_id: Uuid,
    pub key: &'a str,
    pub request: &'a str,
    pub result: &'a str,
}

/// Deletes the answers under keys, which the caller holds the locks of.
///
/// # Errors
/// As `spi::run`.
pub fn forget_many(keys: &[(Uuid, &str)]) -> Result<()> {
    static FORGET: Statement = Statement::look_up(
        "DELETE FROM owo.usage_key AS k USING unnest($1, $2) AS x (customer_id, key)
          WHERE k.customer_id = x.customer_id AND k.key = x.key",
    );
    if keys.is_empty() {
        return Ok(());
    }
    let (customers, keys): (Vec<Uuid>, Vec<&str>) = keys.iter().copied().unzip();
    spi::run(&FORGET, arguments![customers, keys]).map(|_| ())
}

/// Stores answers under free keys, best in their order; the caller holds the keys' locks.
///
/// # Errors
/// As `spi::run`.
pub fn store_many(answers: &[NewAnswer], created_at: DateTime<Utc>) -> Result<()> {
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.usage_key (customer_id, created_at, key, request, result)
         SELECT x.customer_id, $5, x.key, x.request::json, x.result::json
           FROM unnest($1, $2, $3, $4) AS x (customer_id, key, request, result)",
    );
    if answers.is_empty() || store_plain(answers, clock::to_postgres(created_at)) {
        return Ok(());
    }
    let (mut customers, mut keys) = (Vec::new(), Vec::new());
    let (mut requests, mut results) = (Vec::new(), Vec::new());
    for answer in answers {
        customers.push(answer.customer_id);
        keys.push(answer.key);
        requests.push(answer.request);
        results.push(answer.result);
    }
    spi::run(
        &STORE,
        arguments![customers, keys, requests, results, created_at],
    )
    .map(|_| ())
}

/// The same without a statement; false, and nothing done, where the table is not as we made it.
fn store_plain(answers: &[NewAnswer], created_at: Tick) -> bool {
    let mut texts = Texts::default();
    let rows: Vec<(&Uuid, [usize; 3])> = answers
        .iter()
        .map(|answer| {
            let texts = [answer.key, answer.request, answer.result].map(|text| texts.push(text));
            (&answer.customer_id, texts)
        })
        .collect();
    heap::insert_rows::<_, COLUMNS>(table(), MADE, &rows, |(customer_id, places), insert| {
        let [key, request, result] = places.map(|place| texts.datum(place));
        let customer = pg_sys::Datum::from(customer_id.as_bytes().as_ptr());
        let columns = [
            customer,
            pg_sys::Datum::from(created_at),
            key,
            request,
            result,
        ];
        insert((columns, [false; COLUMNS]));
    })
}

/// Deletes up to `limit` keys that are older than their organization keeps them.
///
/// # Errors
/// As `spi::run`.
pub fn delete_expired(limit: i64) -> Result<u64> {
    static DELETE: Statement = Statement::look_up(
        "DELETE FROM owo.usage_key
          WHERE ctid = ANY (ARRAY(
                SELECT k.ctid
                  FROM owo.usage_key AS k
                  JOIN owo.customer AS c ON c.id = k.customer_id
                  JOIN owo.organization AS o ON o.id = c.organization_id
                 WHERE k.created_at
                       < coalesce(o.clock_at, now()) - make_interval(days => o.idempotency_days)
                   -- what no organization keeps any longer, found by index
                   AND k.created_at < (
                       SELECT max(coalesce(x.clock_at, now())
                                  - make_interval(days => x.idempotency_days))
                         FROM owo.organization AS x)
                 LIMIT $1 FOR UPDATE OF k SKIP LOCKED))",
    );
    spi::run(&DELETE, arguments![limit])
}
