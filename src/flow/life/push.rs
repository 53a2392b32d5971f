//! What providers must hear of a saved life becomes jobs, in the same transaction.
//!
//! Called by `save` alone, after the rows are written. Invariants: customers billed by hand cost
//! nothing here; what is to be told follows from the rows (`domain::subscription::tell`); a
//! provider's subscription always belongs to the row that is live. Deliberately absent: what is
//! sent, which is decided when a job is taken up.

use super::{Life, Origin};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::checkout::Checkout;
use crate::db::provider::refer;
use crate::error::Result;
use crate::flow::outbox::job::Job;
use crate::flow::provider::desk::Desk;
use owostack_domain::entitlement::facts::{PlanChange, Subscription};
use owostack_domain::ids;
use owostack_domain::subscription::tell::{Deed, Tell, View, recurs, tell};
use owostack_provider::capability::Support;
use owostack_provider::operation::Timing;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What providers know of the rows that have changed.
#[derive(Default)]
struct Known {
    desks: BTreeMap<String, Desk>,
    known: BTreeSet<Uuid>,
    startable: BTreeSet<Uuid>,
}

impl Life<'_> {
    /// The provider that runs a subscription, with our account there.
    ///
    /// # Errors
    /// As `spi::read`.
    pub fn desk_of(&self, id: Uuid) -> Result<Option<Desk>> {
        let Some(desk) = Desk::find(self.context, &self.label(id).provider)? else {
            return Ok(None);
        };
        let runs = desk.runs(&Snapshot::latest()?, id)?;
        Ok(runs.then_some(desk))
    }

    /// Refuses to take back a scheduled change that the provider has been told and cannot undo.
    ///
    /// # Errors
    /// `55000`.
    pub fn demand_undo(&self, id: Uuid) -> Result<()> {
        let mut changes = self.changes_before.iter();
        let change = changes.find(|one| one.subscription_id == id);
        if !change.is_some_and(|one| recurs(one.price, one.one_time)) {
            return Ok(());
        }
        match self.desk_of(id)? {
            Some(desk) => desk.demand(desk.capabilities().undo_change),
            None => Ok(()),
        }
    }

    /// Writes the jobs that follow from what has been saved.
    pub(super) fn push(&self) -> Result<()> {
        self.push_pages()?;
        let changed = self.changed();
        if changed.is_empty() {
            return Ok(());
        }
        let known = self.known(&changed)?;
        let before = self.before.iter();
        let before = before
            .map(|(id, (row, _))| (*id, row.clone()))
            .collect::<BTreeMap<Uuid, Subscription>>();
        let after = self.facts.subscriptions.iter();
        let after = after.map(|row| (row.id, row.clone())).collect();
        let moves = self.all_moves();
        let told = tell(&Deed {
            before: View {
                rows: &before,
                changes: &self.changes_before,
            },
            after: View {
                rows: &after,
                changes: &self.facts.plan_changes,
            },
            known: &known.known,
            startable: &known.startable,
            dated: &self.dated,
            replaced: &self.replaced,
            moves: &moves,
            mirrored: self.origin == Origin::Provider,
        });
        for one in told {
            if let Some(desk) = known.desks.get(&self.label(one.row()).provider) {
                self.push_one(desk, one)?;
            }
        }
        Ok(())
    }

    /// Rows of providers that differ from what was loaded, or whose scheduled change does.
    fn changed(&self) -> Vec<Uuid> {
        let of = |changes: &[PlanChange], id: Uuid| {
            let found = changes.iter().find(|one| one.subscription_id == id);
            found.map(|one| one.id)
        };
        let differs = |row: &&Subscription| {
            let before = self.before.get(&row.id).map(|(before, _)| before);
            let changes = (&self.changes_before, &self.facts.plan_changes);
            before != Some(row) || of(changes.0, row.id) != of(changes.1, row.id)
        };
        let rows = self.facts.subscriptions.iter().filter(differs);
        rows.map(|row| row.id)
            .filter(|id| owostack_provider::find(&self.label(*id).provider).is_some())
            .collect()
    }

    fn known(&self, changed: &[Uuid]) -> Result<Known> {
        let snapshot = Snapshot::latest()?;
        let mut all = Known::default();
        for id in changed {
            let name = self.label(*id).provider;
            if !all.desks.contains_key(&name) {
                match Desk::find(self.context, &name)? {
                    Some(desk) => all.desks.insert(name.clone(), desk),
                    None => continue,
                };
            }
            let Some(desk) = all.desks.get(&name) else {
                continue;
            };
            if desk.runs(&snapshot, *id)? {
                all.known.insert(*id);
            } else if self.may_start(desk) && self.has_card(desk, &snapshot)? {
                all.startable.insert(*id);
            }
        }
        Ok(all)
    }

    /// Where the provider's own page begins trials, what it reports has begun there already.
    fn may_start(&self, desk: &Desk) -> bool {
        let capabilities = desk.capabilities();
        let begun =
            self.origin == Origin::Provider && capabilities.checkout_trial == Support::Native;
        !begun && capabilities.start_subscription.is_possible()
    }

    /// A page that only saves the card for a trial tells of its end and of the card at once.
    fn has_card(&self, desk: &Desk, snapshot: &Snapshot) -> Result<bool> {
        let saving = desk.capabilities().checkout_trial != Support::Native;
        if saving && self.origin == Origin::Provider {
            return Ok(true);
        }
        Ok(desk.method(snapshot, self.customer.id)?.is_some())
    }

    /// Rows that take over: by a switch at once, or by a scheduled change whose date came.
    fn all_moves(&self) -> BTreeMap<Uuid, Uuid> {
        let due = self.changes_before.iter().filter_map(|change| {
            let to = ids::derived(change.id, "subscription");
            let begun = self.find(to).is_some() && !self.before.contains_key(&to);
            let goes_on = begun && recurs(change.price, change.one_time);
            goes_on.then_some((change.subscription_id, to))
        });
        let mut moves: BTreeMap<Uuid, Uuid> = due.collect();
        moves.extend(&self.moves);
        moves
    }

    fn push_one(&self, desk: &Desk, one: Tell) -> Result<()> {
        let id = one.row();
        let job = match one {
            Tell::TakeOver {
                from,
                to,
                appointed,
            } => return self.push_over(desk, from, to, appointed),
            Tell::Keep(_) => Job::Keep {
                subscription_id: id,
            },
            Tell::UndoChange(_) => Job::UndoChange {
                subscription_id: id,
            },
            Tell::Pause(_) => Job::Pause {
                subscription_id: id,
            },
            Tell::Resume(_) => Job::Resume {
                subscription_id: id,
            },
            Tell::ChangeLater(_) => Job::Change {
                subscription_id: id,
                timing: Timing::PeriodEnd,
            },
            Tell::EndLater(_) => Job::Cancel {
                subscription_id: id,
                timing: Timing::PeriodEnd,
            },
            Tell::EndNow(_) => Job::Cancel {
                subscription_id: id,
                timing: Timing::Now,
            },
            Tell::Start(_) => Job::Start {
                subscription_id: id,
            },
        };
        desk.enqueue(Some(self.customer.id), &job)?;
        match one {
            Tell::EndNow(_) => self.push_end(desk, id),
            _ => Ok(()),
        }
    }

    /// What a provider without changes has begun for a later row ends with the running one.
    fn push_end(&self, desk: &Desk, id: Uuid) -> Result<()> {
        let mut changes = self.changes_before.iter();
        let Some(change) = changes.find(|one| one.subscription_id == id) else {
            return Ok(());
        };
        let later = ids::derived(change.id, "subscription");
        if desk.has(&Snapshot::latest()?, later)? {
            let job = Job::Cancel {
                subscription_id: later,
                timing: Timing::Now,
            };
            desk.enqueue(Some(self.customer.id), &job)?;
        }
        Ok(())
    }

    /// The provider's subscription belongs to the row that goes on with it.
    fn push_over(&self, desk: &Desk, from: Uuid, to: Uuid, appointed: bool) -> Result<()> {
        // A provider without changes has begun another subscription for the new row already.
        if !(appointed && desk.has(&Snapshot::latest()?, to)?) {
            refer::take_over(desk.account.id, from, to, self.now)?;
        }
        // A provider that changes by itself has told us so; others are still to be told.
        let changed =
            self.origin == Origin::Provider && desk.capabilities().change_now == Support::Native;
        if appointed || changed {
            return Ok(());
        }
        let customer = Some(self.customer.id);
        let job = Job::Change {
            subscription_id: to,
            timing: Timing::Now,
        };
        desk.enqueue(customer, &job)?;
        let before = self.before.get(&from);
        if before.is_some_and(|(row, _)| row.cancel_at.is_some()) {
            desk.enqueue(
                customer,
                &Job::Keep {
                    subscription_id: to,
                },
            )?;
        }
        Ok(())
    }

    /// New checkouts get their page, or are carried out without one.
    fn push_pages(&self) -> Result<()> {
        let is_new = |one: &&Checkout| self.new_checkouts.contains(&one.id);
        let still_open = |one: &&Checkout| one.expires_at.is_none_or(|at| at > self.now);
        let checkouts = self.checkouts.iter().filter(is_new).filter(still_open);
        for checkout in checkouts {
            let Some(desk) = Desk::find(self.context, &checkout.provider)? else {
                continue;
            };
            let customer = Some(self.customer.id);
            if checkout.has_page {
                let checkout_id = checkout.id;
                desk.enqueue(customer, &Job::OpenCheckout { checkout_id })?;
            } else if let Some(subscription_id) = checkout.subscription_id
                && desk.capabilities().change_now == Support::Native
            {
                let timing = Timing::Now;
                desk.enqueue(
                    customer,
                    &Job::Change {
                        subscription_id,
                        timing,
                    },
                )?;
            }
        }
        Ok(())
    }

    /// An open page that is of no use any more ends, where the provider can do that.
    pub(super) fn push_close(&self, checkout: &Checkout) -> Result<()> {
        if self.origin == Origin::Provider {
            return Ok(());
        }
        if !checkout.has_page {
            return db::payment::give_up(self.customer.id, checkout.id, self.now);
        }
        let Some(desk) = Desk::find(self.context, &checkout.provider)? else {
            return Ok(());
        };
        if desk.capabilities().close_checkout.is_possible() {
            let checkout_id = checkout.id;
            desk.enqueue(Some(self.customer.id), &Job::CloseCheckout { checkout_id })?;
        }
        Ok(())
    }
}
