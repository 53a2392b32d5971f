//! Rating: what a quantity of usage costs under the pricing of a plan feature.
//!
//! Called by `owo_rate`, by billing previews, by spend caps and when a period is closed. The caller
//! decides which quantity is billable: all of it, or what lies beyond the allowance.
//! Invariants: each line is rounded once and lines add up to the total; an amount that does not fit
//! is an error, never a smaller amount. Absent: currencies, taxes and who pays.

use std::fmt;

use serde::Serialize;

use crate::catalog::{Pricing, RatingModel, Tier};
use crate::money::{round_half_away, round_product};
use crate::quantity::Quantity;

/// What a quantity costs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rating {
    /// Sum of the lines, in minor units.
    pub amount: i64,
    /// The parts, none for a quantity of zero.
    pub lines: Vec<Line>,
}

/// One part of a rating: one tier, or all packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Place of the tier in the pricing, from zero; none for packages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<usize>,
    /// Units that the line is about.
    pub units: Quantity,
    /// Started blocks of billing units, for packages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packages: Option<Quantity>,
    /// Minor units per unit, or per package.
    pub unit_price: Quantity,
    /// Charged once for entering the tier.
    #[serde(skip_serializing_if = "is_zero")]
    pub flat_fee: Quantity,
    /// Minor units, rounded.
    pub amount: i64,
}

/// Why a quantity has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatingError {
    /// The quantity is below zero.
    Negative,
    /// The amount exceeds 64 bits of minor units.
    OutOfRange,
}

impl fmt::Display for RatingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Negative => "quantity must not be negative",
            Self::OutOfRange => "amount is out of range",
        })
    }
}

impl std::error::Error for RatingError {}

/// Prices a billable quantity.
///
/// # Errors
/// When the quantity is negative or the amount exceeds 64 bits.
pub fn rate(pricing: &Pricing, quantity: Quantity) -> Result<Rating, RatingError> {
    if quantity.is_negative() {
        return Err(RatingError::Negative);
    }
    if quantity.is_zero() {
        return Ok(Rating::default());
    }
    let lines = match pricing.rating_model {
        RatingModel::Package => packages(pricing, quantity).map(|line| vec![line]),
        RatingModel::Graduated => graduated(&pricing.tiers, quantity),
        RatingModel::Volume => volume(&pricing.tiers, quantity),
    }
    .ok_or(RatingError::OutOfRange)?;
    let amount = lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.amount))
        .ok_or(RatingError::OutOfRange)?;
    Ok(Rating { amount, lines })
}

/// What going on from one billable quantity to another costs; below zero for a return, and where
/// a volume tier is cheaper than the one before.
///
/// # Errors
/// As for [`rate`].
pub fn rate_between(
    pricing: &Pricing,
    before: Quantity,
    after: Quantity,
) -> Result<i64, RatingError> {
    let before = rate(pricing, before)?.amount;
    rate(pricing, after)?
        .amount
        .checked_sub(before)
        .ok_or(RatingError::OutOfRange)
}

/// Started blocks at one price.
fn packages(pricing: &Pricing, quantity: Quantity) -> Option<Line> {
    let size = pricing.billing_units.raw().max(1);
    let started = quantity.raw() / size + i128::from(quantity.raw() % size != 0);
    let packages = Quantity::from_raw(started.checked_mul(Quantity::ONE.raw())?);
    let unit_price = pricing.block_price();
    Some(Line {
        tier: None,
        units: quantity,
        packages: Some(packages),
        unit_price,
        flat_fee: Quantity::ZERO,
        amount: round_product(unit_price, packages)?,
    })
}

/// Each unit at the price of the tier that it falls into.
fn graduated(tiers: &[Tier], quantity: Quantity) -> Option<Vec<Line>> {
    let mut lines = Vec::new();
    let mut floor = Quantity::ZERO;
    for (place, tier) in tiers.iter().enumerate() {
        let ceiling = bound(tiers, place).map_or(quantity, |bound| bound.min(quantity));
        if ceiling > floor {
            lines.push(tier_line(place, tier, ceiling.checked_sub(floor)?)?);
            floor = ceiling;
        }
    }
    Some(lines)
}

/// All units at the price of the tier reached.
fn volume(tiers: &[Tier], quantity: Quantity) -> Option<Vec<Line>> {
    let reached = |place| bound(tiers, place).is_none_or(|bound| quantity <= bound);
    match tiers.iter().enumerate().find(|(place, _)| reached(*place)) {
        Some((place, tier)) => Some(vec![tier_line(place, tier, quantity)?]),
        None => Some(Vec::new()),
    }
}

/// Last quantity that a tier holds for; the last tier goes on beyond its own bound.
fn bound(tiers: &[Tier], place: usize) -> Option<Quantity> {
    if place + 1 >= tiers.len() {
        None
    } else {
        tiers.get(place)?.up_to
    }
}

/// Units at the price of one tier, with its fee.
fn tier_line(place: usize, tier: &Tier, units: Quantity) -> Option<Line> {
    let scale = Quantity::ONE.raw();
    let price = tier.unit_price.raw().checked_mul(units.raw())?;
    let exact = price.checked_add(tier.flat_fee.raw().checked_mul(scale)?)?;
    Some(Line {
        tier: Some(place),
        units,
        packages: None,
        unit_price: tier.unit_price,
        flat_fee: tier.flat_fee,
        amount: i64::try_from(round_half_away(exact, scale * scale)).ok()?,
    })
}

/// Serde asks by reference.
fn is_zero(value: &Quantity) -> bool {
    value.is_zero()
}

#[cfg(test)]
mod tests;
