//! Entries of the functions that are asked most often.
//!
//! Such an entry reads the arguments where they are and answers from what this backend knows. What
//! it cannot answer (a NULL, a value in compressed storage, an unknown customer, anything unusual) goes
//! to the function's ordinary entry as if it had been called, so the two can only differ in cost.

use crate::backend::answer::Answer;
use crate::backend::{direct, numeric};
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;
use std::marker::PhantomData;

/// What Postgres calls.
pub type Entry = unsafe extern "C-unwind" fn(pg_sys::FunctionCallInfo) -> pg_sys::Datum;

/// The running call and its arguments.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    fcinfo: pg_sys::FunctionCallInfo,
    _arguments: PhantomData<&'a pg_sys::NullableDatum>,
}

impl<'a> Call<'a> {
    /// # Safety
    /// The information must be that of a running call and outlive the value.
    pub unsafe fn new(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        Self {
            fcinfo,
            _arguments: PhantomData,
        }
    }

    /// What Postgres passes to the function.
    pub fn information(&self) -> pg_sys::FunctionCallInfo {
        self.fcinfo
    }

    fn argument(&self, index: usize) -> Option<pg_sys::Datum> {
        // SAFETY: promised in `new`; the slice has the call's own length.
        let argument = unsafe {
            let count = usize::try_from((*self.fcinfo).nargs).unwrap_or(0);
            *(*self.fcinfo).args.as_slice(count).get(index)?
        };
        (!argument.isnull).then_some(argument.value)
    }

    /// Whether all arguments from that one on are NULL.
    pub fn ends_before(&self, index: usize) -> bool {
        // SAFETY: promised in `new`.
        let count = usize::try_from(unsafe { (*self.fcinfo).nargs }).unwrap_or(0);
        (index..count).all(|index| self.argument(index).is_none())
    }

    /// The bytes of a text argument; None for NULL and for what is not in plain storage.
    pub fn text(&self, index: usize) -> Option<&'a [u8]> {
        let datum = self.argument(index)?;
        // SAFETY: the argument is declared as text; its bytes live as long as the call.
        unsafe {
            let value = datum.cast_mut_ptr::<pg_sys::varlena>();
            direct::is_in_place(value).then(|| pgrx::varlena_to_byte_slice(value))
        }
    }

    /// A numeric argument; None for NULL and for what is no quantity.
    pub fn number(&self, index: usize) -> Option<Quantity> {
        let datum = self.argument(index)?;
        // SAFETY: the argument is declared as numeric.
        unsafe { numeric::read(datum) }
    }

    /// What the function returns.
    pub fn give(&self, answer: Answer) -> pg_sys::Datum {
        let datum = answer.into_datum();
        // SAFETY: promised in `new`.
        unsafe { (*self.fcinfo).isnull = datum.is_none() };
        datum.unwrap_or(pg_sys::Datum::null())
    }
}

/// Declares the entry `$symbol`: answers with `$known`, else goes to `$ordinary`.
#[macro_export]
macro_rules! hot_function {
    ($symbol:ident, $information:ident, $known:path, $ordinary:path) => {
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C" fn $information() -> &'static ::pgrx::pg_sys::Pg_finfo_record {
            const V1: ::pgrx::pg_sys::Pg_finfo_record =
                ::pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &V1
        }

        #[doc(hidden)]
        #[::pgrx::pg_guard]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $symbol(
            fcinfo: ::pgrx::pg_sys::FunctionCallInfo,
        ) -> ::pgrx::pg_sys::Datum {
            // SAFETY: Postgres passes the information of the running call.
            let call = unsafe { $crate::backend::hot::Call::new(fcinfo) };
            let ordinary: $crate::backend::hot::Entry = $ordinary;
            match $known(&call) {
                Some(answer) => call.give(answer),
                // SAFETY: as above; this is how Postgres would have called it.
                None => unsafe { ordinary(fcinfo) },
            }
        }
    };
}
