//! Values on their way into and out of statements: domain types on our side, datums on the other.

use crate::backend::clock;
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use owostack_domain::quantity::Quantity;
use pgrx::prelude::*;
use pgrx::{AnyNumeric, IntoDatum, JsonB, pg_sys};
use serde_json::Value;
use uuid::Uuid;

/// One argument of a statement.
pub struct Argument {
    pub type_oid: pg_sys::Oid,
    pub datum: Option<pg_sys::Datum>,
}

/// What may be an argument of a statement.
pub trait IntoArgument {
    /// The datum in the current memory context, with its type.
    fn into_argument(self) -> Argument;
}

fn plain<T: IntoDatum>(value: T) -> Argument {
    Argument {
        type_oid: T::type_oid(),
        datum: value.into_datum(),
    }
}

/// Postgres' numeric of a quantity.
pub fn numeric(quantity: Quantity) -> AnyNumeric {
    AnyNumeric::try_from(quantity.to_string().as_str()).unwrap_or_default()
}

/// Postgres' timestamptz of a time.
pub fn timestamp(time: DateTime<Utc>) -> TimestampWithTimeZone {
    TimestampWithTimeZone::try_from(clock::to_postgres(time))
        .unwrap_or_else(|_| TimestampWithTimeZone::positive_infinity())
}

macro_rules! arguments {
    ($($type:ty => |$value:ident| $convert:expr;)*) => {
        $(impl IntoArgument for $type {
            fn into_argument(self) -> Argument {
                let $value = self;
                plain($convert)
            }
        })*
    };
}

arguments! {
    bool => |value| value;
    i32 => |value| value;
    i64 => |value| value;
    &str => |value| value;
    String => |value| value;
    &String => |value| value.as_str();
    &[u8] => |value| value;
    pg_sys::Oid => |value| value;
    Uuid => |value| pgrx::Uuid::from_bytes(value.into_bytes());
    DateTime<Utc> => |value| timestamp(value);
    &Value => |value| JsonB(value.clone());
    Value => |value| JsonB(value);
    Vec<i32> => |value| value;
    Vec<i64> => |value| value;
    Vec<bool> => |value| value;
    Vec<String> => |value| value;
    Vec<Option<String>> => |value| value;
    Vec<&str> => |value| value;
    Vec<Option<i64>> => |value| value;
    Vec<Uuid> => |value| value.into_iter().map(|id| pgrx::Uuid::from_bytes(id.into_bytes())).collect::<Vec<_>>();
    Vec<Option<Uuid>> => |value| value.into_iter().map(|id| id.map(|id| pgrx::Uuid::from_bytes(id.into_bytes()))).collect::<Vec<_>>();
    Vec<DateTime<Utc>> => |value| value.into_iter().map(timestamp).collect::<Vec<_>>();
    Vec<Option<DateTime<Utc>>> => |value| value.into_iter().map(|time| time.map(timestamp)).collect::<Vec<_>>();
    Vec<Quantity> => |value| value.into_iter().map(numeric).collect::<Vec<_>>();
    Vec<Option<Quantity>> => |value| value.into_iter().map(|quantity| quantity.map(numeric)).collect::<Vec<_>>();
    Vec<Option<Value>> => |value| value.into_iter().map(|json| json.map(JsonB)).collect::<Vec<_>>();
}

impl IntoArgument for Quantity {
    fn into_argument(self) -> Argument {
        Argument {
            type_oid: pg_sys::NUMERICOID,
            datum: Some(crate::backend::numeric::write(self)),
        }
    }
}

impl FromColumn for Quantity {
    unsafe fn from_column(datum: pg_sys::Datum, null: bool) -> Result<Self> {
        if null {
            return Err(unexpected("quantity"));
        }
        // SAFETY: promised by the caller.
        if let Some(quantity) = unsafe { crate::backend::numeric::read(datum) } {
            return Ok(quantity);
        }
        // A total may pass the range of a single quantity.
        // SAFETY: as above.
        unsafe { AnyNumeric::from_datum(datum, false) }
            .and_then(|value| Self::parse_total(&value.to_string()).ok())
            .ok_or_else(|| unexpected("quantity"))
    }
}

impl<T: IntoArgument + Typed> IntoArgument for Option<T> {
    fn into_argument(self) -> Argument {
        match self {
            Some(value) => value.into_argument(),
            None => Argument {
                type_oid: T::type_oid(),
                datum: None,
            },
        }
    }
}

/// The SQL type of an argument that may be NULL.
pub trait Typed {
    fn type_oid() -> pg_sys::Oid;
}

macro_rules! typed {
    ($($type:ty => $oid:ident;)*) => {
        $(impl Typed for $type {
            fn type_oid() -> pg_sys::Oid {
                pg_sys::$oid
            }
        })*
    };
}

typed! {
    bool => BOOLOID;
    i32 => INT4OID;
    i64 => INT8OID;
    &str => TEXTOID;
    String => TEXTOID;
    &String => TEXTOID;
    &[u8] => BYTEAOID;
    Uuid => UUIDOID;
    DateTime<Utc> => TIMESTAMPTZOID;
    Quantity => NUMERICOID;
    &Value => JSONBOID;
    Value => JSONBOID;
    pg_sys::Oid => OIDOID;
}

/// What may be read from a column of a result.
pub trait FromColumn: Sized {
    /// Converts, copying whatever the datum points to.
    ///
    /// # Safety
    /// The datum must be of the SQL type that matches `Self`.
    ///
    /// # Errors
    /// When the column is NULL or holds what the type cannot.
    unsafe fn from_column(datum: pg_sys::Datum, null: bool) -> Result<Self>;
}

fn unexpected(kind: &str) -> Error {
    Error::internal(format!(
        "a column does not hold the {kind} that was expected"
    ))
}

macro_rules! columns {
    ($($type:ty, $via:ty => |$value:ident| $convert:expr;)*) => {
        $(impl FromColumn for $type {
            unsafe fn from_column(datum: pg_sys::Datum, null: bool) -> Result<Self> {
                // SAFETY: promised by the caller.
                let $value = unsafe { <$via as FromDatum>::from_datum(datum, null) }
                    .ok_or_else(|| unexpected(stringify!($type)))?;
                $convert.ok_or_else(|| unexpected(stringify!($type)))
            }
        })*
    };
}

columns! {
    bool, bool => |value| Some(value);
    i32, i32 => |value| Some(value);
    i64, i64 => |value| Some(value);
    String, String => |value| Some(value);
    Vec<u8>, Vec<u8> => |value| Some(value);
    pg_sys::Oid, pg_sys::Oid => |value| Some(value);
    Uuid, pgrx::Uuid => |value| Some(Uuid::from_bytes(*value.as_bytes()));
    DateTime<Utc>, TimestampWithTimeZone => |value| clock::from_postgres(value.into());
    Value, JsonB => |value| Some(value.0);
    Vec<Uuid>, Vec<pgrx::Uuid> => |value| Some(value.into_iter().map(|id| Uuid::from_bytes(*id.as_bytes())).collect::<Vec<_>>());
    Vec<String>, Vec<String> => |value| Some(value);
    Vec<i32>, Vec<i32> => |value| Some(value);
}

impl<T: FromColumn> FromColumn for Option<T> {
    unsafe fn from_column(datum: pg_sys::Datum, null: bool) -> Result<Self> {
        if null {
            return Ok(None);
        }
        // SAFETY: promised by the caller.
        unsafe { T::from_column(datum, false) }.map(Some)
    }
}
