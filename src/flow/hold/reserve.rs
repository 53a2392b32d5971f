//! Taking a hold.

use super::posting;
use crate::backend::generation;
use crate::backend::random;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::reservation::Reservation;
use crate::error::{Error, Result};
use crate::flow::check;
use crate::flow::context::Context;
use crate::flow::customer;
use crate::flow::decided::Decided;
use crate::flow::due;
use crate::flow::idempotency;
use crate::flow::text;
use crate::flow::track::ledger::Ledger;
use crate::flow::track::{self, places};
use crate::meter::{self, Used};
use chrono::{DateTime, Duration, Utc};
use owostack_domain::decision::{self, Code, Decision};
use owostack_domain::draw::Drawn;
use owostack_domain::entitlement::Entitlement;
use owostack_domain::hold;
use owostack_domain::ids;
use owostack_domain::quantity::Quantity;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// Longest time that a hold may wait for its amount.
const HOURS_MAX: i64 = 24;

/// The arguments of a hold.
#[derive(Debug, Clone)]
pub struct HoldRequest {
    pub customer: String,
    pub feature: String,
    pub value: Quantity,
    /// None: beyond the range of time.
    pub expires_at: Option<DateTime<Utc>>,
    pub entity: Option<String>,
    pub metadata: Option<Value>,
    pub idempotency_key: Option<String>,
}

/// What `owo_reservation` holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reserved {
    /// None where the decision says no.
    pub reservation: Option<Uuid>,
    pub expires_at: Option<DateTime<Utc>>,
    pub decision: Decided,
}

impl HoldRequest {
    /// Checks every bound that needs no table; returns when the hold expires.
    fn check(&self, context: &Context) -> Result<DateTime<Utc>> {
        text::bounded("customer", &self.customer, text::EMAIL_LENGTH)?;
        text::bounded("feature", &self.feature, text::KEY_LENGTH)?;
        if let Some(entity) = &self.entity {
            text::bounded("entity", entity, text::KEY_LENGTH)?;
        }
        if let Some(key) = &self.idempotency_key {
            idempotency::check(key)?;
        }
        text::metadata(self.metadata.clone())?;
        if self.value.is_negative() {
            return Err(Error::invalid(format!(
                "value is {}, a hold needs zero or more",
                self.value
            ))
            .hint("A negative value given to owo_track() takes usage back."));
        }
        let latest = context.now + Duration::hours(HOURS_MAX);
        self.expires_at
            .filter(|at| context.now < *at && *at <= latest)
            .ok_or_else(|| {
                Error::invalid(format!(
                    "ttl must be positive and at most {HOURS_MAX} hours"
                ))
            })
    }

    /// What makes two calls with one key the same request.
    fn request(&self) -> Value {
        json!({
            "call": "reserve",
            "feature": self.feature,
            "value": self.value,
            "entity": self.entity,
            "occurred_at": null,
        })
    }

    fn replay(&self, context: &Context, customer_id: Uuid) -> Result<Option<Reserved>> {
        let Some(key) = &self.idempotency_key else {
            return Ok(None);
        };
        let snapshot = Snapshot::latest()?;
        let request = self.request();
        let stored = idempotency::replay(context, &snapshot, customer_id, key, &request)?;
        let Some(stored) = stored else {
            return Ok(None);
        };
        let mut reserved: Reserved = serde_json::from_value(stored)
            .map_err(|_| Error::internal("the answer stored under an idempotency key"))?;
        reserved.decision.replayed = true;
        Ok(Some(reserved))
    }

    fn keep(&self, context: &Context, customer_id: Uuid, reserved: &Reserved) -> Result<()> {
        let Some(key) = &self.idempotency_key else {
            return Ok(());
        };
        let result = serde_json::to_value(reserved)
            .map_err(|_| Error::internal("a reservation that is not JSON"))?;
        idempotency::store(context, customer_id, key, &self.request(), &result)
    }
}

fn denied(decision: Decision) -> Reserved {
    Reserved {
        reservation: None,
        expires_at: None,
        decision: decision.into(),
    }
}

/// Holds units until their amount is known.
///
/// # Errors
/// `22023`, `22003`, `42704`, `23505` as `api.md` says; a denial is not an error.
pub fn reserve(context: &Context, request: &HoldRequest) -> Result<Reserved> {
    let expires_at = request.check(context)?;
    let snapshot = Snapshot::latest()?;
    let feature = check::feature(context, &snapshot, Some(&request.feature))?;
    track::require_metered(&feature)?;
    let not_found = |code| Ok(denied(Decision::not_found(code, &feature.slug)));
    let Some(customer) = customer::find(context, &snapshot, &request.customer)? else {
        return not_found(Code::CustomerNotFound);
    };
    drop(snapshot);
    if let Some(key) = &request.idempotency_key {
        idempotency::lock_key(customer.id, key);
    }
    due::enter(context, vec![customer.id], [])?;
    if let Some(replayed) = request.replay(context, customer.id)? {
        return Ok(replayed);
    }
    let entity = request.entity.as_deref();
    if !track::entity_exists(context, &Snapshot::latest()?, customer.id, entity)? {
        return not_found(Code::EntityNotFound);
    }
    let mut ledger = Ledger::open(context, Vec::new())?;
    let taken = take(context, &mut ledger, &customer, feature.id, request)?;
    if !taken.decision.allowed {
        ledger.close()?;
        return Ok(denied(taken.decision));
    }
    let row = Reservation {
        customer_id: customer.id,
        id: ids::time_ordered(context.now, random::ten_bytes()?),
        organization_id: context.organization.id,
        status: "open".to_owned(),
        feature_id: feature.id,
        quantity: request.value,
        credit_cost: taken.entitlement.credit.as_ref().map(|credit| credit.cost),
        expires_at,
        created_at: context.now,
        entity: request.entity.clone(),
        lines: hold::lines(&taken.entitlement, &taken.drawn),
        metadata: request.metadata.clone(),
    };
    ledger.push(posting::held(&row));
    ledger.close()?;
    meter::writing(|| db::reservation::insert(&row))?;
    generation::note_hold(customer.id);
    let reserved = Reserved {
        reservation: Some(row.id),
        expires_at: Some(expires_at),
        decision: taken.decision.into(),
    };
    request.keep(context, customer.id, &reserved)?;
    Ok(reserved)
}

/// What was drawn, or why nothing was.
struct Taken {
    entitlement: Entitlement,
    decision: Decision,
    drawn: Drawn,
}

fn take(
    context: &Context,
    ledger: &mut Ledger,
    customer: &Customer,
    feature_id: Uuid,
    request: &HoldRequest,
) -> Result<Taken> {
    loop {
        let entity = request.entity.as_deref();
        let entitlement = ledger.entitlement(customer, feature_id, entity, context.now)?;
        track::require_entity(&entitlement)?;
        meter::enter_holds(customer.id);
        let judge = |used: &Used| {
            let (decision, drawn) = decision::hold(&entitlement, used, request.value);
            let lines = drawn.lines.iter();
            let changes = lines.map(|line| (line.place(), line.amount)).collect();
            Ok(((decision, drawn), changes))
        };
        let (decision, drawn) = ledger.take(customer.id, &places(&entitlement), judge)?;
        if !decision.code.is_shortage() || !ledger.make_room(customer.id)? {
            let value = request.value;
            return Ok(Taken {
                decision: track::shown(customer.id, &entitlement, decision, value)?,
                entitlement,
                drawn,
            });
        }
    }
}
