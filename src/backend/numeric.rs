//! Quantities to and from Postgres' numeric without a detour over text.
//!
//! Layout (src/backend/utils/adt/numeric.c): a varlena whose data is a header and base-10000 digits.
//! The short header holds sign, display scale and weight in 16 bits; the long one sign and scale in
//! 16 bits and the weight in another 16. Both spellings are read, as numeric.c may store either;
//! ours are written like its own. A digit counts 10000^(weight - index).

use super::argument::argument;
use crate::backend::direct;
use crate::error::{Error, Result};
use owostack_domain::quantity::QuantityError;
use owostack_domain::quantity::{DECIMALS, Quantity};
use pgrx::pg_sys;
use pgrx::{AnyNumeric, FromDatum};

const BASE: i128 = 10_000;
/// Quantities have nine decimals, so three digits after the point hold them with three to spare.
const FRACTION_DIGITS: usize = 3;
/// What nine decimals are multiplied by to fill those digits.
const FILL: u64 = 1_000;
/// Billionths in a unit.
const UNIT: i128 = 1_000_000_000;
const UNIT_64: u64 = 1_000_000_000;
const BASE_64: u64 = 10_000;
/// Digits of the largest raw value: 38 decimals and the fill.
const DIGITS_MAX: usize = 12;
/// Words of the largest value: length, header, digits.
const ROOM: usize = 2 + 1 + DIGITS_MAX;

const SIGN_MASK: u16 = 0xC000;
const NEGATIVE: u16 = 0x4000;
const SHORT: u16 = 0x8000;
const SPECIAL: u16 = 0xC000;
const SHORT_SIGN: u16 = 0x2000;
const SHORT_SCALE_SHIFT: u16 = 7;
const SHORT_WEIGHT_SIGN: u16 = 0x0040;
const SHORT_WEIGHT_MASK: u16 = 0x003F;

/// Reads a numeric datum; None when it is not finite, too large or too precise, which its text says.
///
/// # Safety
/// The datum must be a numeric.
pub unsafe fn read(datum: pg_sys::Datum) -> Option<Quantity> {
    // SAFETY: promised by the caller; a detoasted copy, if one is made, lives as long as the call.
    let bytes = unsafe {
        let value = datum.cast_mut_ptr::<pg_sys::varlena>();
        pgrx::varlena_to_byte_slice(if direct::is_in_place(value) {
            value
        } else {
            pg_sys::pg_detoast_datum(value)
        })
    };
    // A short header leaves the words anywhere.
    let mut words = bytes.chunks_exact(2).map(|word| match word {
        [one, other] => u16::from_ne_bytes([*one, *other]),
        _ => 0,
    });
    let header = words.next()?;
    let (negative, weight) = match header & SIGN_MASK {
        SPECIAL => return None,
        SHORT => {
            let magnitude = header & SHORT_WEIGHT_MASK;
            let weight = if header & SHORT_WEIGHT_SIGN != 0 {
                magnitude.cast_signed() - (SHORT_WEIGHT_MASK.cast_signed() + 1)
            } else {
                magnitude.cast_signed()
            };
            (header & SHORT_SIGN != 0, weight)
        }
        sign => (sign == NEGATIVE, words.next()?.cast_signed()),
    };
    let raw = raw(i32::from(weight), words)?;
    let quantity = Quantity::from_raw(if negative { -raw } else { raw });
    quantity.is_in_range().then_some(quantity)
}

/// The value times 10^9; None when digits lie beyond the ninth decimal or the value is too large.
fn raw(weight: i32, mut digits: impl ExactSizeIterator<Item = u16>) -> Option<i128> {
    let last = i32::try_from(digits.len()).ok()?.checked_sub(1)?;
    if last < 0 {
        return Some(0);
    }
    if (last, weight) == (0, 0) {
        return Some(i128::from(digits.next()?) * UNIT);
    }
    let mut value: i128 = 0;
    for digit in digits {
        value = value.checked_mul(BASE)?.checked_add(i128::from(digit))?;
    }
    // The last digit counts 10000^(weight - last); the value is wanted with nine decimals.
    let exponent = (weight - last).checked_mul(4)? + DECIMALS.cast_signed();
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    if exponent >= 0 {
        return value.checked_mul(power);
    }
    (value % power == 0).then(|| value / power)
}

/// A numeric datum in the current memory context, without trailing zeros.
pub fn write(quantity: Quantity) -> pg_sys::Datum {
    let room = Room::new(quantity);
    // SAFETY: the allocation has the length of what is copied into it.
    unsafe {
        let value = pg_sys::palloc(room.length).cast::<u8>();
        value.copy_from_nonoverlapping(room.words.as_ptr().cast(), room.length);
        pg_sys::Datum::from(value)
    }
}

/// A numeric beside the code that uses it at once.
#[repr(C, align(8))]
pub struct Room {
    words: [u16; ROOM],
    /// In bytes.
    length: usize,
}

impl Room {
    /// The quantity without trailing zeros.
    pub fn new(quantity: Quantity) -> Self {
        let raw = quantity.raw();
        let mut digits = [0_u16; DIGITS_MAX];
        let count = spell(raw.unsigned_abs(), &mut digits);
        let used = digits.get(..count).unwrap_or_default();
        let zeros = used.iter().take_while(|digit| **digit == 0).count();
        let significant = used.get(zeros..).unwrap_or_default();
        let weight =
            i16::try_from(count).unwrap_or(0) - i16::try_from(FRACTION_DIGITS).unwrap_or(0) - 1;
        let header = if significant.is_empty() {
            SHORT
        } else {
            let sign = if raw < 0 { SHORT_SIGN } else { 0 };
            let weight_sign = if weight < 0 { SHORT_WEIGHT_SIGN } else { 0 };
            SHORT
                | sign
                | (scale(raw) << SHORT_SCALE_SHIFT)
                | weight_sign
                | (weight.cast_unsigned() & SHORT_WEIGHT_MASK)
        };
        let length = size_of::<u32>() + size_of::<u16>() * (1 + significant.len());
        let mut room = Self {
            words: [0; ROOM],
            length,
        };
        let digits = significant.iter().rev();
        let body = std::iter::once(&header).chain(digits);
        for (target, word) in room.words.iter_mut().skip(2).zip(body) {
            *target = *word;
        }
        let size = i32::try_from(length).unwrap_or(0);
        // SAFETY: the header of four bytes comes first, aligned like the whole.
        unsafe { pgrx::set_varsize_4b(room.words.as_mut_ptr().cast(), size) };
        room
    }

    /// Valid as long as this is.
    pub fn datum(&self) -> pg_sys::Datum {
        pg_sys::Datum::from(self.words.as_ptr())
    }
}

/// Digits to the base 10000, the least significant first, with nine decimals and the fill; returns
/// how many there are up to the most significant.
fn spell(magnitude: u128, digits: &mut [u16; DIGITS_MAX]) -> usize {
    let (mut whole, fraction) = match u64::try_from(magnitude) {
        Ok(small) => (u128::from(small / UNIT_64), small % UNIT_64),
        Err(_) => (
            magnitude / UNIT.unsigned_abs(),
            u64::try_from(magnitude % UNIT.unsigned_abs()).unwrap_or(0),
        ),
    };
    let base = BASE_64;
    let mut places = digits.iter_mut();
    let mut rest = fraction * FILL;
    for place in places.by_ref().take(FRACTION_DIGITS) {
        *place = u16::try_from(rest % base).unwrap_or(0);
        rest /= base;
    }
    for place in places {
        if whole == 0 {
            break;
        }
        // Nearly always within 64 bits, where division is an instruction.
        let (quotient, digit) = match u64::try_from(whole) {
            Ok(small) => (u128::from(small / base), small % base),
            Err(_) => (
                whole / u128::from(base),
                u64::try_from(whole % u128::from(base)).unwrap_or(0),
            ),
        };
        *place = u16::try_from(digit).unwrap_or(0);
        whole = quotient;
    }
    digits
        .iter()
        .rposition(|digit| *digit > 0)
        .map_or(0, |last| last + 1)
}

/// Decimals after the point that are not trailing zeros.
fn scale(raw: i128) -> u16 {
    let mut rest = raw.unsigned_abs() % UNIT.unsigned_abs();
    if rest == 0 {
        return 0;
    }
    let mut scale = 9;
    while rest.is_multiple_of(10) {
        rest /= 10;
        scale -= 1;
    }
    scale
}

/// A `numeric` argument, read when its value is asked for.
#[derive(Clone, Copy)]
pub struct Number(pg_sys::Datum);

impl Number {
    /// The quantity, within the bounds of `api.md` 1.
    ///
    /// # Errors
    /// `22003` out of range; `22023` not finite or too precise, naming the argument.
    pub fn quantity(self, argument: &str) -> Result<Quantity> {
        // SAFETY: the datum is a numeric argument of the running call.
        if let Some(quantity) = unsafe { read(self.0) } {
            return Ok(quantity);
        }
        // SAFETY: as above.
        let text = unsafe { AnyNumeric::from_datum(self.0, false) }
            .map_or_else(String::new, |value| value.to_string());
        Quantity::parse(&text).map_err(|error| {
            let message = format!("{argument} is {text}: {error}");
            match error {
                QuantityError::OutOfRange => Error::out_of_range(message),
                _ => Error::invalid(message),
            }
        })
    }
}

argument!(Number, "numeric");
