//! Arguments that keep the datum of the call, and are read when their value is asked for.
//!
//! For types that are a datum and nothing else. Deliberately absent: reading them, which is theirs.

/// Makes a type with one field, the datum of an argument of the SQL type of that name, one that pgrx
/// takes for a parameter.
macro_rules! argument {
    ($type:ident, $sql:literal) => {
        const _: () = {
            use pgrx::FromDatum;
            use pgrx::callconv::{Arg, ArgAbi};
            use pgrx::pg_sys::{Datum, Oid};
            use pgrx::pgrx_sql_entity_graph::metadata::{
                ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
            };

            impl FromDatum for $type {
                unsafe fn from_polymorphic_datum(
                    datum: Datum,
                    is_null: bool,
                    _type_oid: Oid,
                ) -> Option<Self> {
                    (!is_null).then_some(Self(datum))
                }
            }

            // SAFETY: reads the argument as its declared type.
            unsafe impl<'fcx> ArgAbi<'fcx> for $type {
                unsafe fn unbox_arg_unchecked(argument: Arg<'_, 'fcx>) -> Self {
                    // SAFETY: null arguments are taken by Option before this.
                    unsafe { argument.unbox_arg_using_from_datum() }.unwrap_or(Self(Datum::null()))
                }
            }

            // SAFETY: the argument has that SQL type.
            unsafe impl SqlTranslatable for $type {
                const TYPE_IDENT: &'static str = concat!("owostack.", stringify!($type));
                const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
                const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> =
                    Ok(SqlMappingRef::literal($sql));
                const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
                    Ok(ReturnsRef::One(SqlMappingRef::literal($sql)));
            }
        };
    };
}

pub(super) use argument;
