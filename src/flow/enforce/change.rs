//! What a changed row, or a statement's worth of them, asks for.
//!
//! The rules of `api.md` 7 for one row stand here; `db/enforce/rows` says the same for a statement
//! in SQL. Metered: INSERT consumes, UPDATE the difference, DELETE nothing unless `returns`; a change
//! of customer is a DELETE for the old and an INSERT for the new. Entities: a row is a slot.

use crate::db::enforce::rows::{Cell, Places, Sum};
use crate::error::{Error, Result};
use owostack_domain::quantity::{Quantity, QuantityError};

/// Usage of a metered feature by one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub customer: String,
    pub entity: Option<String>,
    /// Negative gives back, at most what the running period holds.
    pub amount: Quantity,
    /// Whether rows came to this customer, who then has to exist.
    pub asks: bool,
}

/// Entities that left one customer and came to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seats {
    pub customer: String,
    pub left: Vec<String>,
    pub came: Vec<String>,
}

/// A row with its value read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub customer: Option<String>,
    pub entity: Option<String>,
    pub value: Option<Quantity>,
}

impl Row {
    /// # Errors
    /// `22023` and `22003` when the value is not a quantity.
    pub fn read(cell: Cell) -> Result<Self> {
        Ok(Self {
            customer: cell.customer,
            entity: cell.entity,
            value: cell.value.as_deref().map(amount).transpose()?,
        })
    }

    fn is_at(&self, other: &Self) -> bool {
        self.customer == other.customer && self.entity == other.entity
    }

    fn value_or_zero(&self) -> Quantity {
        self.value.unwrap_or(Quantity::ZERO)
    }
}

/// One row's change: as it was, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub old: Option<Row>,
    pub new: Option<Row>,
}

impl Change {
    /// Whether the change means nothing, whatever the feature is.
    pub fn is_idle(&self) -> bool {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => old.is_at(new) && old.value == new.value,
            _ => false,
        }
    }

    /// What it means for a metered feature.
    ///
    /// # Errors
    /// `23502` where a counted row names no customer, `22004` where it has no value.
    pub fn charges(&self, table: &str, returns: bool) -> Result<Vec<Charge>> {
        let mut charges = Vec::new();
        let new = self.new.as_ref();
        let old = self.old.as_ref();
        let stays = old.zip(new).is_some_and(|(old, new)| old.is_at(new));
        if let (Some(old), true) = (old.filter(|_| !stays), returns)
            && let Some(customer) = &old.customer
        {
            charges.push(Charge {
                customer: customer.clone(),
                entity: old.entity.clone(),
                amount: old.value_or_zero().negate(),
                asks: false,
            });
        }
        if let Some(new) = new {
            let before = old
                .filter(|_| stays)
                .map_or(Quantity::ZERO, Row::value_or_zero);
            let value = new.value.ok_or_else(|| no_value(table))?;
            charges.push(Charge {
                customer: new.customer.clone().ok_or_else(|| no_customer(table))?,
                entity: new.entity.clone(),
                amount: value.checked_sub(before).ok_or_else(out_of_range)?,
                asks: !stays,
            });
        }
        Ok(charges)
    }

    /// What it means for an entity feature.
    ///
    /// # Errors
    /// `23502` where a counted row names no customer or no entity.
    pub fn seats(&self, table: &str) -> Result<Vec<Seats>> {
        let (old, new) = (self.old.as_ref(), self.new.as_ref());
        if old.zip(new).is_some_and(|(old, new)| old.is_at(new)) {
            return Ok(Vec::new());
        }
        let mut seats = Vec::new();
        if let Some((customer, entity)) =
            old.and_then(|old| old.customer.as_ref().zip(old.entity.as_ref()))
        {
            seats.push(Seats {
                customer: customer.clone(),
                left: vec![entity.clone()],
                came: Vec::new(),
            });
        }
        if let Some(new) = new {
            let customer = new.customer.clone().ok_or_else(|| no_customer(table))?;
            let entity = new.entity.clone().ok_or_else(|| no_entity(table))?;
            match seats.first_mut().filter(|seats| seats.customer == customer) {
                Some(same) => same.came.push(entity),
                None => seats.push(Seats {
                    customer,
                    left: Vec::new(),
                    came: vec![entity],
                }),
            }
        }
        Ok(seats)
    }
}

/// What sums of a statement mean for a metered feature.
///
/// # Errors
/// As [`Change::charges`], `22023` and `22003` when a sum is not a quantity.
pub fn charges(sums: Vec<Sum>, table: &str) -> Result<Vec<Charge>> {
    let charge = |sum: Sum| {
        if sum.missing {
            return Err(no_value(table));
        }
        Ok(Charge {
            customer: sum.customer.ok_or_else(|| no_customer(table))?,
            entity: sum.entity,
            amount: amount(&sum.amount)?,
            asks: sum.asks,
        })
    };
    sums.into_iter().map(charge).collect()
}

/// What entities of a statement mean for an entity feature.
///
/// # Errors
/// As [`Change::seats`].
pub fn seats(places: Vec<Places>, table: &str) -> Result<Vec<Seats>> {
    let mut seats = Vec::with_capacity(places.len());
    for place in places {
        let Some(customer) = place.customer else {
            if place.missing || !place.came.is_empty() {
                return Err(no_customer(table));
            }
            continue;
        };
        if place.missing {
            return Err(no_entity(table));
        }
        seats.push(Seats {
            customer,
            left: place.left,
            came: place.came,
        });
    }
    Ok(seats)
}

/// A quantity from the text of a number.
fn amount(text: &str) -> Result<Quantity> {
    Quantity::parse(text).map_err(|error| {
        let message = format!("value is {text}: {error}");
        match error {
            QuantityError::OutOfRange => Error::out_of_range(message),
            _ => Error::invalid(message),
        }
    })
}

fn out_of_range() -> Error {
    Error::out_of_range("the difference of two values is out of range")
}

fn no_customer(table: &str) -> Error {
    Error::not_null(format!("a row of \"{table}\" names no customer"))
        .hint("Rows of an enforced table need a value in the customer column.")
}

fn no_entity(table: &str) -> Error {
    Error::not_null(format!("a row of \"{table}\" names no entity"))
        .hint("Rows of a table under an entity feature need a value in the entity column.")
}

fn no_value(table: &str) -> Error {
    Error::null(format!("the value of a row of \"{table}\" is null"))
        .hint("Use coalesce() in the value expression where a column may be null.")
}
