//! Results of API functions, formed from the call's own descriptor.
//!
//! Names are never looked up by search path: the type is the one that `CREATE FUNCTION` bound.

use crate::backend::kept::Kept;
use crate::backend::rowset::Set;
use crate::backend::{direct, numeric, shape, value};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use owostack_domain::quantity::Quantity;
use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{IntoDatum, JsonB, pg_sys};
use serde_json::Value;
use uuid::Uuid;

/// One field of a composite result.
#[derive(Debug, Clone)]
pub enum Field {
    Null,
    Bool(bool),
    Int4(i32),
    Int8(i64),
    Text(String),
    Id(Uuid),
    Number(Quantity),
    Time(DateTime<Utc>),
    Json(Value),
    Record(Vec<Field>),
}

/// What an API function returns.
pub struct Answer(Option<pg_sys::Datum>);

// SAFETY: never used to generate SQL: every function that returns it is declared by hand in `sql/`.
unsafe impl SqlTranslatable for Answer {
    const TYPE_IDENT: &'static str = "owostack.Answer";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("record"));
    const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("record")));
}

// SAFETY: the datum was formed for this very call.
unsafe impl BoxRet for Answer {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.0 {
            // SAFETY: as above.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

impl Field {
    /// The datum in the current memory context; None for NULL, and for records.
    pub fn datum(self) -> Option<pg_sys::Datum> {
        match self {
            Self::Null | Self::Record(_) => None,
            Self::Bool(value) => value.into_datum(),
            Self::Int4(value) => value.into_datum(),
            Self::Int8(value) => value.into_datum(),
            Self::Text(value) => value.into_datum(),
            Self::Id(value) => pgrx::Uuid::from_bytes(value.into_bytes()).into_datum(),
            Self::Number(value) => Some(numeric::write(value)),
            Self::Time(value) => value::timestamp(value).into_datum(),
            Self::Json(value) => JsonB(value).into_datum(),
        }
    }
}

impl<T: Into<Field>> From<Option<T>> for Field {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! fields {
    ($($type:ty => $variant:ident;)*) => {
        $(impl From<$type> for Field {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

fields! {
    bool => Bool;
    i32 => Int4;
    i64 => Int8;
    &str => Text;
    String => Text;
    Uuid => Id;
    Quantity => Number;
    DateTime<Utc> => Time;
    Value => Json;
    Vec<Field> => Record;
}

impl Answer {
    /// SQL NULL.
    pub const fn null() -> Self {
        Self(None)
    }

    /// A datum that already has the function's result type.
    pub const fn datum(datum: pg_sys::Datum) -> Self {
        Self(Some(datum))
    }

    /// A scalar.
    pub fn scalar(field: impl Into<Field>) -> Self {
        Self(field.into().datum())
    }

    /// One row of the call's result type.
    ///
    /// # Errors
    /// When the function was not declared with a composite result.
    pub fn record(fcinfo: pg_sys::FunctionCallInfo, fields: Vec<Field>) -> Result<Self> {
        let descriptor = shape::of_result(fcinfo)?;
        // SAFETY: the descriptor is blessed and has one attribute per field, checked in `tuple`.
        Ok(Self(Some(unsafe { tuple_datum(descriptor, fields)? })))
    }

    /// One row of the call's result type, of columns that are datums already.
    ///
    /// # Errors
    /// As [`Answer::record`].
    pub fn row<const N: usize>(
        fcinfo: pg_sys::FunctionCallInfo,
        mut values: [pg_sys::Datum; N],
        mut nulls: [bool; N],
    ) -> Result<Self> {
        let descriptor = shape::of_result(fcinfo)?;
        // SAFETY: the descriptor is valid.
        let width = usize::try_from(unsafe { (*descriptor).natts }).unwrap_or(0);
        if width != N {
            return Err(other_width(N, width));
        }
        // SAFETY: one value per attribute; nothing here needs to be dropped.
        let datum = unsafe {
            direct::guarded(|| {
                let (values, nulls) = (values.as_mut_ptr(), nulls.as_mut_ptr());
                let tuple = direct::raw::heap_form_tuple(descriptor, values, nulls);
                direct::raw::HeapTupleHeaderGetDatum((*tuple).t_data)
            })
        };
        Ok(Self(Some(datum)))
    }

    /// A set that has been put where the call site looks for it.
    pub(super) const fn set() -> Self {
        Self(None)
    }

    /// The datum; None for NULL.
    pub fn into_datum(self) -> Option<pg_sys::Datum> {
        self.0
    }

    /// A set of rows, decided as a whole before the first is returned.
    ///
    /// # Errors
    /// When the call site cannot take a set.
    pub fn rows(fcinfo: pg_sys::FunctionCallInfo, rows: Vec<Vec<Field>>) -> Result<Self> {
        let set = Set::open(fcinfo)?;
        for fields in rows {
            set.put(fields)?;
        }
        Ok(set.finish())
    }
}

/// A jsonb value that is kept between calls.
#[derive(Debug, Clone)]
pub struct Jsonb(Kept);

impl Jsonb {
    /// Copies what Postgres makes of the document.
    pub fn new(value: &Value) -> Option<Self> {
        let datum = JsonB(value.clone()).into_datum()?;
        // SAFETY: jsonb_in returns an untoasted varlena.
        Some(Self(unsafe { Kept::varlena(datum) }))
    }

    /// Valid as long as the value is; whoever forms a tuple of it copies it.
    pub fn datum(&self) -> pg_sys::Datum {
        self.0.datum()
    }
}

pub(super) fn other_width(given: usize, declared: usize) -> Error {
    Error::wrong_state(format!(
        "the library gives {given} result columns, the SQL declares {declared}"
    ))
    .hint("Run ALTER EXTENSION owostack UPDATE, or restart the server.")
}

/// Datums and null flags for the columns of `descriptor`.
///
/// # Safety
/// `descriptor` must be valid and blessed.
pub(super) unsafe fn columns(
    descriptor: pg_sys::TupleDesc,
    fields: Vec<Field>,
) -> Result<(Vec<pg_sys::Datum>, Vec<bool>)> {
    // SAFETY: promised by the caller.
    let width = usize::try_from(unsafe { (*descriptor).natts }).unwrap_or(0);
    if width != fields.len() {
        return Err(other_width(fields.len(), width));
    }
    let mut values = Vec::with_capacity(width);
    let mut nulls = Vec::with_capacity(width);
    for (index, field) in fields.into_iter().enumerate() {
        let datum = match field {
            Field::Record(inner) => {
                // SAFETY: index is below natts; the type is composite by declaration.
                unsafe {
                    let type_oid = attribute_type(descriptor, index);
                    let inner_descriptor = pg_sys::lookup_rowtype_tupdesc_copy(type_oid, -1);
                    Some(tuple_datum(
                        pg_sys::BlessTupleDesc(inner_descriptor),
                        inner,
                    )?)
                }
            }
            scalar => scalar.datum(),
        };
        nulls.push(datum.is_none());
        values.push(datum.unwrap_or(pg_sys::Datum::null()));
    }
    Ok((values, nulls))
}

/// # Safety
/// `index` must be below the descriptor's number of attributes.
unsafe fn attribute_type(descriptor: pg_sys::TupleDesc, index: usize) -> pg_sys::Oid {
    // SAFETY: promised by the caller; attribute numbers count from 1.
    unsafe { pg_sys::SPI_gettypeid(descriptor, i32::try_from(index).unwrap_or(0) + 1) }
}

/// # Safety
/// `descriptor` must be valid and blessed.
unsafe fn tuple_datum(descriptor: pg_sys::TupleDesc, fields: Vec<Field>) -> Result<pg_sys::Datum> {
    // SAFETY: promised by the caller.
    unsafe {
        let (mut values, mut nulls) = columns(descriptor, fields)?;
        let tuple = pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
        Ok(pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data))
    }
}
