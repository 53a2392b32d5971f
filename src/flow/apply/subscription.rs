//! A provider's subscription becomes one of our rows, or begins, changes and ends the one it is.
//!
//! Invariants: all that was said is kept beside the provider's id, and the row follows from that and
//! from the clock (`domain::subscription::snapshot`); a plan that the provider changed to begins a
//! row in place of the one before; a snapshot that may be out of date has the object fetched first.

use super::locate::{self, Place};
use super::{Applied, Case, waits_of_plan, words};
use crate::backend::spi::Snapshot as View;
use crate::db;
use crate::db::provider::refer::{self, Link};
use crate::db::provider::reference::{self, Kind, Reference};
use crate::error::{Error, Result};
use crate::flow::attach;
use crate::flow::checkout;
use crate::flow::life::{Life, Origin};
use owostack_domain::entitlement::facts::{Status, Subscription};
use owostack_domain::ids;
use owostack_domain::period::Time;
use owostack_domain::subscription::heard::{self, Heard, Leaving, News, Standing, Word};
use owostack_domain::subscription::open::Opening;
use owostack_domain::subscription::snapshot::{Told, has_renewed, must_begin, settle};
use owostack_domain::subscription::step::Change;
use owostack_domain::switch::{Terms, origin};
use owostack_provider::object::{ObjectKind, ObjectRef, Snapshot};
use serde_json::json;
use uuid::Uuid;

/// Name of what was heard, in the link's detail.
const HEARD: &str = "heard";

/// What was heard of one subscription, with the row that it is about.
pub(super) struct Hearing<'a, 'b> {
    pub(super) case: &'a Case<'a>,
    pub(super) life: Life<'b>,
    pub(super) row_id: Uuid,
    external_id: String,
    pub(super) heard: Heard,
    before: Standing,
}

/// Applies a snapshot.
///
/// # Errors
/// As the statements.
pub fn apply(case: &Case, told: &Snapshot) -> Result<Applied> {
    let mut life = case.life()?;
    let found = case.reference(Kind::Subscription, &told.id)?;
    let terms = locate::terms(case, &mut life, told)?;
    let row_id = match &found {
        Some(found) if life.find(found.local_id).is_none() => {
            return Ok(Applied::Skipped("its row begins at its date".to_owned()));
        }
        Some(found) => found.local_id,
        None => match locate::row(case, &mut life, told, terms.as_ref())? {
            Place::Row(id) => id,
            Place::Nowhere(applied) => return Ok(applied),
        },
    };
    let heard = heard_of(found.as_ref());
    let snapshot = words::snapshot(told);
    if let Some(applied) = doubt(case, told, found.as_ref(), &heard, snapshot) {
        return Ok(applied);
    }
    let is_new = found.is_none();
    let known = found.and_then(|found| found.order);
    let is_latest = known.is_none_or(|known| *case.order > known);
    let mut hearing = Hearing::new(case, life, row_id, &told.id, heard)?;
    hearing.link(is_new, told.product.as_deref())?;
    let moment = words::moment(case.order);
    let news = hearing.heard.hear(moment, Word::Is(snapshot));
    let summary = hearing.agree()?;
    if is_latest {
        hearing.follow_plan(terms.as_ref())?;
        hearing.follow_pending(told)?;
    }
    hearing.save(is_latest)?;
    Ok(match (news, summary) {
        (News::None, None) => Applied::Skipped("it was known".to_owned()),
        (_, None) => Applied::Done(format!("subscription {row_id} stays as it was")),
        (_, Some(status)) => Applied::Done(format!("subscription {row_id} is {status}")),
    })
}

/// Adds a word on a linked subscription, such as that money came; false when it is not linked.
///
/// # Errors
/// As the statements.
pub fn hear(case: &Case, life: Life, external_id: &str, word: Word) -> Result<bool> {
    let found = case.reference(Kind::Subscription, external_id)?;
    let Some(found) = found.filter(|found| life.find(found.local_id).is_some()) else {
        life.save()?;
        return Ok(false);
    };
    let heard = heard_of(Some(&found));
    let mut hearing = Hearing::new(case, life, found.local_id, external_id, heard)?;
    hearing.heard.hear(words::moment(case.order), word);
    hearing.agree()?;
    hearing.save(false)?;
    Ok(true)
}

/// Links a subscription to the row of a checkout that names it.
///
/// # Errors
/// As the statements.
pub fn link(case: &Case, life: &mut Life, row_id: Uuid, external_id: &str) -> Result<()> {
    if case.reference(Kind::Subscription, external_id)?.is_some() {
        return Ok(());
    }
    let mut heard = Heard::default();
    if let Some(row) = life.find_mut(row_id) {
        row.linked = row.linked || row.is_live() || row.status == Status::Incomplete;
        heard.kept_anchor = kept_anchor(row);
    }
    case.link(
        Kind::Subscription,
        external_id,
        row_id,
        &json!({ HEARD: heard }),
    )
}

fn heard_of(found: Option<&Reference>) -> Heard {
    let kept = found.and_then(|found| found.detail.get(HEARD));
    kept.and_then(|kept| serde_json::from_value(kept.clone()).ok())
        .unwrap_or_default()
}

/// Where a row goes on counting that took the place of another one.
fn kept_anchor(row: &Subscription) -> Option<Time> {
    (row.count_number > 0 && row.anchor_at != row.started_at).then_some(row.anchor_at)
}

/// What to do instead of hearing a snapshot whose place in time is not certain.
fn doubt(
    case: &Case,
    told: &Snapshot,
    found: Option<&Reference>,
    heard: &Heard,
    snapshot: heard::Snapshot,
) -> Option<Applied> {
    let order = found?.order?;
    if case.verified || !case.order.is_doubtful_after(&order) || heard.latest() == Some(snapshot) {
        return None;
    }
    if !case.looked {
        return Some(Applied::Look(ObjectRef {
            kind: ObjectKind::Subscription,
            id: told.id.clone(),
        }));
    }
    (order.certain && !case.order.certain)
        .then(|| Applied::Skipped("a look at the subscription has said more".to_owned()))
}

impl<'a, 'b> Hearing<'a, 'b> {
    fn new(
        case: &'a Case<'a>,
        mut life: Life<'b>,
        row_id: Uuid,
        external_id: &str,
        heard: Heard,
    ) -> Result<Self> {
        life.origin = Origin::Provider;
        let mut heard = heard;
        let row = life
            .find_mut(row_id)
            .ok_or_else(|| Error::internal(format!("subscription {row_id} is not loaded")))?;
        if heard.is_empty() && heard.kept_anchor.is_none() {
            heard.kept_anchor = kept_anchor(row);
        }
        if row.is_live() || row.status == Status::Incomplete {
            row.linked = true;
        }
        Ok(Self {
            case,
            row_id,
            external_id: external_id.to_owned(),
            before: heard.standing(),
            heard,
            life,
        })
    }

    fn link(&self, is_new: bool, product: Option<&str>) -> Result<()> {
        if !is_new {
            return Ok(());
        }
        let case = self.case;
        let (kind, detail) = (Kind::Subscription, json!({}));
        case.link(kind, &self.external_id, self.row_id, &detail)?;
        match product {
            Some(product) => case.unpark(&waits_of_plan(case.customer.id, product)),
            None => Ok(()),
        }
    }

    pub(super) fn row(&self) -> Result<Subscription> {
        let row = self.life.find(self.row_id).cloned();
        row.ok_or_else(|| Error::internal("a subscription that is not loaded"))
    }

    pub(super) fn told<'t>(&'t self, standing: &'t Standing) -> Told<'t> {
        Told {
            standing,
            before: &self.before,
            kept_anchor: self.heard.kept_anchor,
            zone: self.life.facts.zone,
            now: self.life.now(),
        }
    }

    /// Makes the row agree with all that was heard; its status when something changed.
    fn agree(&mut self) -> Result<Option<&'static str>> {
        let standing = self.heard.standing();
        let before = self.row()?;
        if must_begin(&before, &self.told(&standing)) {
            self.begin(&before, &standing)?;
            return Ok(Some(self.row()?.status.as_str()));
        }
        let mut row = before.clone();
        if !settle(&mut row, &self.told(&standing)) {
            return self.go_on(&before, &standing);
        }
        if row.cancel_at.is_some() && self.is_succeeded(&row)? {
            row.cancel_at = None;
        }
        let moved = row.note_move(&before, self.life.now());
        if moved && has_renewed(&before, &self.told(&standing)) {
            row.note_renewal();
        }
        if row == before {
            return Ok(None);
        }
        self.life.put(row.clone(), None);
        self.tell(&before, &row);
        Ok(Some(row.status.as_str()))
    }

    /// Whether it ends there only because another one follows it, as our scheduled change wants.
    fn is_succeeded(&self, row: &Subscription) -> Result<bool> {
        let mut changes = self.life.facts.plan_changes.iter();
        let Some(change) = changes.find(|one| one.subscription_id == row.id) else {
            return Ok(false);
        };
        let (account_id, later) = (
            self.case.source.account_id,
            ids::derived(change.id, "subscription"),
        );
        let view = View::latest()?;
        let found = reference::of(&view, account_id, Kind::Subscription, later, "")?;
        Ok(found.is_some())
    }

    /// Begins the row that waited, in place of the group's live plan.
    fn begin(&mut self, waiting: &Subscription, standing: &Standing) -> Result<()> {
        let terms = Terms::of_subscription(waiting);
        let paid = terms.price > 0 && checkout::is_upgrade(&self.life, &terms);
        let opening = Opening {
            id: waiting.id,
            terms: &terms,
            origin: origin(&self.life.facts, &terms, paid),
            trial_ends_at: standing.trial.map(|trial| trial.ends_at),
            at: self.life.now(),
        };
        let mut row = opening.open(&self.life.facts);
        row.linked = true;
        row.ended_at = waiting.ended_at;
        self.heard.kept_anchor = kept_anchor(&row);
        settle(&mut row, &self.told(standing));
        let replaces = self.life.facts.live_base(terms.group_id);
        let replaces = replaces.filter(|_| terms.base).map(|one| one.id);
        let (id, ended) = (row.id, !row.is_live());
        attach::begin(&mut self.life, row, replaces, None)?;
        if ended {
            self.life.note(id, Change::Canceled);
        }
        let open = self.life.checkout_of(id).cloned();
        if let Some(checkout) = open {
            let now = self.life.now();
            self.life.close(&checkout, "completed", None, None, now)?;
        }
        Ok(())
    }

    /// A date of ours ended it, and the provider goes on: another row goes on with it.
    fn go_on(&mut self, ended: &Subscription, standing: &Standing) -> Result<Option<&'static str>> {
        let dated = ended.ended_at.is_some() && ended.ended_at == ended.cancel_at;
        let unbegun = ended.count_number == 0;
        let later = match (standing.period(), ended.ended_at) {
            (Some((_, end)), Some(ended_at)) => end > ended_at,
            _ => unbegun,
        };
        let stays = standing.leaving == Leaving::No;
        let lives = standing.ended_at.is_none() && standing.begun_at.is_some() && stays;
        if !(lives && later && (dated || unbegun)) {
            return Ok(None);
        }
        let terms = Terms::of_subscription(ended);
        let taken = self.life.facts.live_base(terms.group_id);
        if terms.base && taken.is_some_and(|one| one.linked) {
            return Ok(None);
        }
        let label = self.life.label(ended.id);
        let waiting = Opening {
            id: ids::derived(ended.id, "goes on"),
            terms: &terms,
            origin: origin(&self.life.facts, &terms, false),
            trial_ends_at: None,
            at: self.life.now(),
        }
        .wait();
        self.row_id = waiting.id;
        self.life.put(waiting.clone(), Some(label));
        self.life.note(waiting.id, Change::Created);
        self.begin(&waiting, standing)?;
        self.move_link()?;
        if unbegun {
            let customer_id = self.life.customer.id;
            db::payment::move_to(customer_id, ended.id, waiting.id)?;
        }
        Ok(Some(self.row()?.status.as_str()))
    }

    /// Tells what a change of the row means.
    fn tell(&mut self, before: &Subscription, after: &Subscription) {
        let change = match (before.status, after.status) {
            (_, Status::Canceled) if before.status != after.status => Some(Change::Canceled),
            (_, Status::Expired) if before.status != after.status => Some(Change::Expired),
            (old, new) if old == new => None,
            (Status::Trialing, Status::Active) => Some(Change::Activated),
            (_, Status::PastDue) => Some(Change::PastDue),
            (_, Status::Paused) => Some(Change::Paused),
            (Status::PastDue | Status::Paused, _) => Some(Change::Resumed),
            _ => None,
        };
        if let Some(change) = change {
            self.life.note(after.id, change);
        }
        let later = after.period_start > before.period_start && after.is_live();
        if later && before.status != Status::Trialing && after.period_start >= before.period_end {
            self.life.note(after.id, Change::Renewed);
        }
        if after.is_live() && before.cancel_at.is_none() && after.cancel_at.is_some() {
            self.life.note(after.id, Change::CancelScheduled);
        }
    }

    pub(super) fn move_link(&self) -> Result<()> {
        let link = Link {
            account_id: self.case.source.account_id,
            kind: Kind::Subscription,
            external_id: &self.external_id,
            local_id: self.row_id,
            customer_id: Some(self.life.customer.id),
            key: "",
            detail: json!({}),
            order: None,
            at: self.case.context.now,
        };
        refer::link(&link)
    }

    /// Writes what was heard and what became of it.
    fn save(mut self, is_latest: bool) -> Result<()> {
        let case = self.case;
        let (account_id, at) = (case.source.account_id, case.context.now);
        let (kind, id) = (Kind::Subscription, self.external_id.as_str());
        let detail = json!({ HEARD: self.heard });
        let order = is_latest.then_some(case.order);
        refer::know(account_id, kind, id, Some(&detail), order, at)?;
        // What was heard may have brought a date that has come.
        let now = self.life.now();
        self.life.advance(now);
        self.life.save().map(|_| ())
    }
}
