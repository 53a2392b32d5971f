//! JSON arguments of API functions.
//!
//! pgrx's own `JsonB` panics, hence raises `XX000`, on a document that is nested deeper than its
//! parser goes; here that is a bad value like any other.

use crate::error::{Error, Result};
use pgrx::callconv::{Arg, ArgAbi};
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, direct_function_call};
use serde_json::Value;
use std::ffi::CStr;

/// A `jsonb` argument, read when its value is asked for.
pub struct Json(std::result::Result<Value, serde_json::Error>);

impl Json {
    /// The document.
    ///
    /// # Errors
    /// `22023` when it is nested too deeply.
    pub fn value(self) -> Result<Value> {
        self.0.map_err(|error| {
            Error::invalid("JSON is nested too deeply").detail(format!("{error}."))
        })
    }
}

impl FromDatum for Json {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _type_oid: pg_sys::Oid,
    ) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the datum is a jsonb, promised by the caller; its text lives in the memory
        // context of the call.
        let text = unsafe { direct_function_call::<&CStr>(pg_sys::jsonb_out, &[Some(datum)]) }?;
        Some(Self(serde_json::from_slice(text.to_bytes())))
    }
}

// SAFETY: reads the argument as its declared type, jsonb.
unsafe impl<'fcx> ArgAbi<'fcx> for Json {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; null arguments are taken by Option before this.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or(Self(Ok(Value::Null)))
    }
}

// SAFETY: the SQL type of the argument is jsonb.
unsafe impl SqlTranslatable for Json {
    const TYPE_IDENT: &'static str = "owostack.Json";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}
