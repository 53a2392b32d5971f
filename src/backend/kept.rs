//! Values of Postgres that outlive a call, and rows made of them.
//!
//! For what is the same from call to call: a row is prepared once, and each call replaces the few
//! columns that differ. Whoever forms a tuple of it copies what it points to.

use crate::backend::answer::Field;
use pgrx::pg_sys::Datum;

/// A copy of a value that a datum points to.
#[derive(Debug, Clone)]
pub struct Kept(Box<[u64]>);

/// Bytes of a uuid.
const UUID: usize = 16;

/// Longest text of [`ShortText`].
const SHORT: usize = 28;

/// A text beside its header, for a datum that is used at once.
pub struct ShortText([u64; SHORT / 8 + 1]);

impl Kept {
    /// Copies `length` bytes behind the datum.
    ///
    /// # Safety
    /// The datum must point to that many bytes.
    unsafe fn copy(datum: Datum, length: usize) -> Self {
        // SAFETY: promised by the caller.
        Self::of(unsafe { std::slice::from_raw_parts(datum.cast_mut_ptr::<u8>(), length) })
    }

    /// Copies a varlena.
    ///
    /// # Safety
    /// The datum must be one, in plain storage.
    pub unsafe fn varlena(datum: Datum) -> Self {
        // SAFETY: promised by the caller.
        unsafe { Self::copy(datum, pgrx::varsize_any(datum.cast_mut_ptr())) }
    }

    /// The value that these bytes are.
    pub fn of(bytes: &[u8]) -> Self {
        let words = bytes.chunks(size_of::<u64>()).map(|chunk| {
            let mut word = [0_u8; size_of::<u64>()];
            for (target, source) in word.iter_mut().zip(chunk) {
                *target = *source;
            }
            u64::from_ne_bytes(word)
        });
        Self(words.collect())
    }

    /// Valid as long as the value is.
    pub fn datum(&self) -> Datum {
        Datum::from(self.0.as_ptr())
    }
}

impl ShortText {
    /// The text, as far as there is room for it.
    pub fn new(text: &str) -> Self {
        let mut words = [0_u64; SHORT / 8 + 1];
        let length = text.len().min(SHORT);
        let size = i32::try_from(length + size_of::<u32>()).unwrap_or(0);
        // SAFETY: header and text fit into the words.
        unsafe {
            let start = words.as_mut_ptr().cast::<u8>();
            pgrx::set_varsize_4b(start.cast(), size);
            start
                .add(size_of::<u32>())
                .copy_from_nonoverlapping(text.as_ptr(), length);
        }
        Self(words)
    }

    /// Valid as long as the value is.
    pub fn datum(&self) -> Datum {
        Datum::from(self.0.as_ptr())
    }
}

/// A row whose columns are kept.
#[derive(Debug)]
pub struct Row<const N: usize> {
    values: [Datum; N],
    nulls: [bool; N],
    _kept: Vec<Kept>,
}

impl<const N: usize> Row<N> {
    /// Copies every field; None when there are not as many as columns.
    pub fn new(fields: Vec<Field>) -> Option<Self> {
        if fields.len() != N {
            return None;
        }
        let (mut values, mut nulls, mut kept) = ([Datum::null(); N], [true; N], Vec::new());
        let places = values.iter_mut().zip(nulls.iter_mut());
        for (field, (value, null)) in fields.into_iter().zip(places) {
            let size = match &field {
                Field::Bool(_) | Field::Int4(_) | Field::Int8(_) | Field::Time(_) => None,
                Field::Id(_) => Some(Some(UUID)),
                _ => Some(None),
            };
            let Some(datum) = field.datum() else { continue };
            // SAFETY: a uuid has its fixed size; the rest was made as a plain varlena.
            let copy = size.map(|size| unsafe {
                match size {
                    Some(size) => Kept::copy(datum, size),
                    None => Kept::varlena(datum),
                }
            });
            *null = false;
            *value = copy.as_ref().map_or(datum, Kept::datum);
            kept.extend(copy);
        }
        Some(Self {
            values,
            nulls,
            _kept: kept,
        })
    }

    /// Values and null flags, to be changed and used while the row lives.
    pub fn columns(&self) -> ([Datum; N], [bool; N]) {
        (self.values, self.nulls)
    }
}
