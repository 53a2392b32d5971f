//! Sets of rows as results of API functions.

use crate::backend::answer::{Answer, Field, columns, other_width};
use crate::error::{Error, Result};
use pgrx::pg_sys;

/// A set of rows that is being returned.
pub struct Set {
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
}

impl Set {
    /// Begins the set.
    ///
    /// # Errors
    /// When the call site cannot take one.
    pub fn open(fcinfo: pg_sys::FunctionCallInfo) -> Result<Self> {
        // SAFETY: fcinfo is that of the running call; it raises by itself where no set is allowed.
        unsafe {
            let info = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
            if info.is_null() {
                return Err(Error::wrong_state("a set is not accepted here"));
            }
            // A set of scalars has no row type of its own: the caller's description holds.
            let class =
                pg_sys::get_call_result_type(fcinfo, std::ptr::null_mut(), std::ptr::null_mut());
            let scalar = class == pg_sys::TypeFuncClass::TYPEFUNC_SCALAR;
            let described = if scalar {
                pg_sys::MAT_SRF_USE_EXPECTED_DESC
            } else {
                0
            };
            pg_sys::InitMaterializedSRF(fcinfo, pg_sys::MAT_SRF_BLESS | described);
            Ok(Self {
                store: (*info).setResult,
                descriptor: (*info).setDesc,
            })
        }
    }

    /// Ends the set.
    pub fn finish(self) -> Answer {
        Answer::set()
    }

    /// Adds a row of columns that are datums already.
    ///
    /// # Errors
    /// When the set has another number of columns.
    pub fn put_row<const N: usize>(
        &self,
        mut values: [pg_sys::Datum; N],
        mut nulls: [bool; N],
    ) -> Result<()> {
        // SAFETY: store and descriptor were made for this call, and live as long as it.
        unsafe {
            let width = usize::try_from((*self.descriptor).natts).unwrap_or(0);
            if width != N {
                return Err(other_width(N, width));
            }
            pg_sys::tuplestore_putvalues(
                self.store,
                self.descriptor,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
        }
        Ok(())
    }

    /// Adds a row.
    ///
    /// # Errors
    /// As [`Set::put_row`].
    pub fn put(&self, fields: Vec<Field>) -> Result<()> {
        // SAFETY: store and descriptor were made for this call.
        unsafe {
            let (mut values, mut nulls) = columns(self.descriptor, fields)?;
            pg_sys::tuplestore_putvalues(
                self.store,
                self.descriptor,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
        }
        Ok(())
    }
}
