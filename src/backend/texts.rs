//! Texts of many rows beside their headers, one after the other in one piece of memory.
//!
//! For rows that are formed without a statement: whoever forms a tuple copies what it points to.

use pgrx::pg_sys::Datum;

/// Texts as Postgres has them; 8 bytes at a time, so that each begins aligned.
#[derive(Debug, Default)]
pub struct Texts(Vec<u64>);

impl Texts {
    /// Adds a text; the number names it in [`Texts::datum`].
    pub fn push(&mut self, text: &str) -> usize {
        let at = self.0.len();
        let bytes = text.len() + size_of::<u32>();
        self.0.resize(at + bytes.div_ceil(size_of::<u64>()), 0);
        let size = i32::try_from(bytes).unwrap_or(0);
        if let Some(words) = self.0.get_mut(at..) {
            // SAFETY: header and text fit into the words that were just added.
            unsafe {
                let start = words.as_mut_ptr().cast::<u8>();
                pgrx::set_varsize_4b(start.cast(), size);
                start
                    .add(size_of::<u32>())
                    .copy_from_nonoverlapping(text.as_ptr(), text.len());
            }
        }
        at
    }

    /// Valid until another text is added.
    pub fn datum(&self, at: usize) -> Datum {
        Datum::from(self.0.get(at..).unwrap_or_default().as_ptr())
    }
}
