//! The entry of a meter's period, as `src/meter/shared/partition.rs` keeps it under its lock.

use super::Bug;

/// One slot of the shared memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Slot {
    /// Committed usage plus open takes.
    pub used: i8,
    /// Takes of open transactions.
    pub open: i8,
    /// Returns of open transactions.
    pub back: i8,
    /// Open takes and returns.
    pub pins: u8,
    /// The load that it waits for; None when it holds a sum.
    pub ticket: Option<u8>,
}

impl Slot {
    /// A placeholder.
    pub fn waiting(ticket: u8) -> Self {
        Self {
            ticket: Some(ticket),
            ..Self::default()
        }
    }

    /// Whether it holds a sum.
    pub fn is_filled(&self) -> bool {
        self.ticket.is_none()
    }

    /// Takes the sum of a load, if that very load is waited for.
    pub fn fill(&mut self, ticket: u8, sum: i8, bug: Option<Bug>) {
        let is_meant = self.ticket == Some(ticket) || bug == Some(Bug::LoadWithoutTicket);
        if !self.is_filled() && is_meant {
            self.used = sum;
            self.ticket = None;
        }
    }

    /// Judges a take (positive) or return (negative) of a transaction that has `own` open, and
    /// applies it; whether it was allowed.
    pub fn judge(&mut self, amount: i8, own: Own, limit: i8, bug: Option<Bug>) -> bool {
        let allowed = if amount > 0 {
            self.spent(own, bug) + amount <= limit
        } else {
            self.certain(own, bug) + amount >= 0
        };
        if allowed {
            self.apply(amount, bug);
        }
        allowed
    }

    /// For takes: what others have open is spent, what they give back is not there yet.
    pub fn spent(&self, own: Own, bug: Option<Bug>) -> i8 {
        match bug {
            Some(Bug::TakeSpendsReturns) => self.used - self.back,
            _ => self.used - own.back,
        }
    }

    /// For returns: what others have open is not there, what they give back is gone.
    pub fn certain(&self, own: Own, bug: Option<Bug>) -> i8 {
        match bug {
            Some(Bug::ReturnWithoutBound) => i8::MAX,
            Some(Bug::ReturnOfOpenTakes) => self.used - self.back,
            Some(Bug::ReturnBesideReturns) => self.used - (self.open - own.open) - own.back,
            _ => self.used - (self.open - own.open) - self.back,
        }
    }

    /// Puts a take or return on the entry, and pins it.
    pub fn apply(&mut self, amount: i8, bug: Option<Bug>) {
        if amount > 0 {
            self.used += amount;
            self.open += amount;
        } else {
            self.back -= amount;
            if bug == Some(Bug::ReturnAtOnce) {
                self.used += amount;
            }
        }
        self.pins += 1;
    }

    /// Ends a take or return and unpins; whose transaction it was no longer matters.
    pub fn end(&mut self, amount: i8, committed: bool, bug: Option<Bug>) {
        if amount > 0 {
            self.open -= amount;
            if !committed {
                self.used -= amount;
            }
        } else {
            self.back += amount;
            if bug == Some(Bug::ReturnAtOnce) {
                if !committed {
                    self.used -= amount;
                }
            } else if committed {
                self.used += amount;
            }
        }
        if bug != Some(Bug::UnpinEarly) {
            self.unpin();
        }
    }

    /// Takes one pin away.
    pub fn unpin(&mut self) {
        self.pins = self.pins.saturating_sub(1);
    }

    /// What a check of a transaction sees that has `own` open.
    pub fn visible(&self, own: Own) -> i8 {
        self.used - self.open + own.open - own.back
    }
}

/// What one transaction has open on the entry, both as positive numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Own {
    pub open: i8,
    pub back: i8,
}
