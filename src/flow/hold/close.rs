//! Ending a hold: its amount is known, or it is not needed.

use super::posting;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::reservation::Reservation;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::decided::Decided;
use crate::flow::due;
use crate::flow::track::ledger::Ledger;
use crate::flow::track::{self, Judged, places};
use crate::meter::shared::Change;
use crate::meter::{self, Used};
use chrono::{DateTime, Utc};
use owostack_domain::decision::{self, Code, Decision, Part};
use owostack_domain::draw::{self, After, Drawn};
use owostack_domain::entitlement::Entitlement;
use owostack_domain::hold::{self, Kept, Line, Share};
use owostack_domain::quantity::Quantity;
use uuid::Uuid;

/// Counts what was used: up to the hold in its own period, beyond it from what there is now.
///
/// # Errors
/// `42704` unknown, `23514` ended before, `22023` a negative value; a denial is not an error.
pub fn settle(context: &Context, id: Uuid, value: Quantity) -> Result<Decided> {
    if value.is_negative() {
        return Err(
            Error::invalid(format!("value is {value}, a settle needs zero or more"))
                .hint("owo_release() gives all of a hold back."),
        );
    }
    close(context, id, Some(value))
}

/// Gives all of it back.
///
/// # Errors
/// `42704` unknown, `23514` ended before.
pub fn release(context: &Context, id: Uuid) -> Result<Decided> {
    close(context, id, None)
}

/// `value`: what was used, None where the hold is released.
fn close(context: &Context, id: Uuid, value: Option<Quantity>) -> Result<Decided> {
    let (mut ledger, customer, found) = enter(context, id)?;
    let entity = found.entity.as_deref();
    loop {
        let entitlement = ledger.entitlement(&customer, found.feature_id, entity, context.now)?;
        meter::enter_holds(customer.id);
        // After the entitlement: what fell due may have carried the hold to another meter.
        let row = db::reservation::lock(customer.id, id)?.ok_or_else(|| unknown(id))?;
        require_open(context, &row)?;
        let ending = Ending::new(&row, &entitlement, value);
        if ending.kept.beyond.is_positive() {
            if !track::entity_exists(context, &Snapshot::latest()?, customer.id, entity)? {
                return Ok(Decision::not_found(Code::EntityNotFound, &entitlement.slug).into());
            }
            track::require_entity(&entitlement)?;
        }
        let judged = ending.decide(&mut ledger, customer.id)?;
        if judged.decision.code.is_shortage() && ledger.make_room(customer.id)? {
            continue;
        }
        let decision = if judged.decision.allowed {
            ending.write(context, &mut ledger, &customer, judged)?
        } else {
            let beyond = ending.kept.beyond;
            track::shown(customer.id, &entitlement, judged.decision, beyond)?
        };
        ledger.close()?;
        return Ok(decision.into());
    }
}

/// Finds the hold and enters its customer.
fn enter(context: &Context, id: Uuid) -> Result<(Ledger<'_>, Customer, Reservation)> {
    let snapshot = Snapshot::latest()?;
    let organization_id = context.organization.id;
    let found = db::reservation::find(&snapshot, organization_id, id)?;
    let found = found.ok_or_else(|| unknown(id))?;
    require_open(context, &found)?;
    let customer = db::customer::find(&snapshot, vec![found.customer_id])?.pop();
    let customer = customer.ok_or_else(|| Error::internal("a hold without customer"))?;
    due::enter(context, vec![customer.id], [])?;
    Ok((Ledger::open(context, Vec::new())?, customer, found))
}

fn unknown(id: Uuid) -> Error {
    Error::undefined(format!("reservation {id} does not exist"))
        .hint("Reservations are made by owo_reserve().")
}

/// An open hold in its time: what comes later does not depend on who noticed first.
fn require_open(context: &Context, hold: &Reservation) -> Result<()> {
    let message = match hold.status.as_str() {
        "open" if hold.expires_at > context.now => return Ok(()),
        "settled" => "the hold was settled before",
        "released" => "the hold was released before",
        _ => "the hold has expired",
    };
    Err(Error::forbidden(message)
        .detail(format!("Reservation {}.", hold.id))
        .hint("Record what was used with owo_track(), or take another hold."))
}

/// What a hold turns into.
struct Ending<'a> {
    hold: &'a Reservation,
    entitlement: &'a Entitlement,
    value: Option<Quantity>,
    kept: Kept,
}

impl<'a> Ending<'a> {
    fn new(hold: &'a Reservation, entitlement: &'a Entitlement, value: Option<Quantity>) -> Self {
        let kept = match value {
            Some(value) => hold::keep(&hold.lines, hold.credit_cost, value),
            None => hold::keep_nothing(&hold.lines),
        };
        Self {
            hold,
            entitlement,
            value,
            kept,
        }
    }

    /// Draws what the hold does not cover, or gives back what it does not need.
    fn decide(&self, ledger: &mut Ledger, customer_id: Uuid) -> Result<Judged> {
        let mut held = Used::new();
        hold::add_held(&mut held, &self.hold.lines);
        let mut all = places(self.entitlement);
        all.extend(
            held.keys()
                .copied()
                .filter(|place| !all.contains(place))
                .collect::<Vec<_>>(),
        );
        let judge = |used: &Used| Ok(self.judge(used, &held));
        if self.kept.beyond.is_positive() {
            ledger.take(customer_id, &all, judge)
        } else {
            ledger.give_back(customer_id, &all, judge, |_| true)
        }
    }

    /// Pure: runs while a partition is locked.
    fn judge(&self, used: &Used, held: &Used) -> (Judged, Vec<Change>) {
        let back = hold::given_back(&self.hold.lines, &self.kept);
        let after = changed(used, &back, 1);
        let before = decision::check(self.entitlement, &changed(used, held, -1), Quantity::ZERO);
        let (mut drawn, mut parts) = (Drawn::default(), self.parts(&[]));
        if self.kept.beyond.is_positive() {
            let (decision, more) = decision::track(self.entitlement, &after, self.kept.beyond);
            if !decision.allowed {
                let judged = Judged {
                    before,
                    decision,
                    drawn: Drawn::default(),
                };
                return (judged, Vec::new());
            }
            parts = self.parts(&hold::lines(self.entitlement, &more));
            drawn = more;
        }
        let mut changes: Vec<Change> = back.into_iter().collect();
        changes.extend(drawn.lines.iter().map(|line| (line.place(), line.amount)));
        let state = After {
            used: &after,
            lines: &drawn.lines,
        };
        let judged = Judged {
            before,
            decision: self.answer(self.entitlement, &state, &parts),
            drawn,
        };
        (judged, changes)
    }

    /// Keeps the rows of the hold's end, and answers.
    fn write(
        &self,
        context: &Context,
        ledger: &mut Ledger,
        customer: &Customer,
        judged: Judged,
    ) -> Result<Decision> {
        let beyond = hold::lines(self.entitlement, &judged.drawn);
        ledger.push(posting::closed(self.hold, &self.kept));
        ledger.push(posting::beyond(self.hold, &beyond, context.now));
        ledger.cross(customer.id, self.entitlement, &judged);
        let status = match self.value {
            Some(_) => "settled",
            None => "released",
        };
        let close = || db::reservation::close(self.hold, status, self.value, context.now);
        meter::writing(close)?;
        if !self.is_late(context.now) && !self.is_elsewhere() {
            return Ok(judged.decision);
        }
        // The rest of what it was taken from may have rolled over to where we are now.
        ledger.flush()?;
        let (feature_id, entity) = (self.hold.feature_id, self.hold.entity.as_deref());
        let entitlement = ledger.entitlement(customer, feature_id, entity, context.now)?;
        let used = meter::used(&Snapshot::latest()?, customer.id, &places(&entitlement))?;
        Ok(self.answer(&entitlement, &used, &self.parts(&beyond)))
    }

    /// The answer where the hold has ended; `after` is what is used then.
    fn answer(
        &self,
        entitlement: &Entitlement,
        after: &dyn draw::Used,
        parts: &[Part],
    ) -> Decision {
        match self.value {
            Some(value) => decision::settled(entitlement, after, value, parts),
            None => {
                let code = Code::AccessGranted;
                decision::state(entitlement, after, code, Quantity::ZERO)
            }
        }
    }

    /// What was kept, and what was drawn beyond it, source by source.
    fn parts(&self, beyond: &[Line]) -> Vec<Part> {
        let part = |line: &Line, amount: Quantity| Part {
            kind: line.kind,
            amount,
            overage: line.overage,
        };
        let kept = self.hold.lines.iter().zip(&self.kept.shares);
        let kept = kept.filter(|(_, share)| **share != Share::default());
        let kept = kept.map(|(line, share)| part(line, share.amount));
        kept.chain(beyond.iter().map(|line| part(line, line.amount)))
            .collect()
    }

    /// Whether it was taken from what a switch has moved since.
    fn is_elsewhere(&self) -> bool {
        let places = places(self.entitlement);
        let mut lines = self.hold.lines.iter();
        lines.any(|line| !places.contains(&line.place.meter_period()))
    }

    /// Whether a period that the hold was taken in is over.
    fn is_late(&self, now: DateTime<Utc>) -> bool {
        let mut lines = self.hold.lines.iter();
        lines.any(|line| line.place.period.end.is_some_and(|end| end <= now))
    }
}

/// `used` with some changes, added or taken away.
fn changed(used: &Used, changes: &Used, sign: i128) -> Used {
    let mut sums = used.clone();
    for (place, change) in changes {
        let sum = sums.entry(*place).or_default();
        *sum = Quantity::from_raw(sum.raw().saturating_add(change.raw().saturating_mul(sign)));
    }
    sums
}
