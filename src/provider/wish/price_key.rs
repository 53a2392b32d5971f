//! Price keys: one text for one price of one plan or pack, for ever.
//!
//! Invariant: the text holds all that the price is, so that it is made at the provider as it was
//! agreed, whatever the catalog says meanwhile.

use std::fmt;

use owostack_domain::ids;
use owostack_domain::interval::Cadence;
use owostack_domain::money::Currency;
use uuid::Uuid;

use crate::money::Money;

/// Text in place of an interval for what is paid once.
const ONCE: &str = "once";

/// A price of a plan or pack; another amount, currency or interval is another price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceKey {
    /// The plan or pack.
    pub plan_id: Uuid,
    /// What it costs.
    pub money: Money,
    /// How often; none: once.
    pub cadence: Option<Cadence>,
}

impl fmt::Display for PriceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Money { amount, currency } = self.money;
        write!(f, "{}.{amount}.{currency}.", self.plan_id)?;
        match self.cadence {
            Some(cadence) => write!(f, "{cadence}"),
            None => f.write_str(ONCE),
        }
    }
}

impl PriceKey {
    /// Reads the text of a key; `None` when it is none of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '.');
        let plan_id = ids::canonical(parts.next()?)?;
        let amount = parts.next()?.parse().ok().filter(|amount| *amount >= 0)?;
        let currency = Currency::parse(parts.next()?).ok()?;
        let cadence = match parts.next()? {
            ONCE => None,
            text => Some(Cadence::parse(text).ok()?),
        };
        Some(Self {
            plan_id,
            money: Money { amount, currency },
            cadence,
        })
    }
}
