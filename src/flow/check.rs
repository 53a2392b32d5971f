//! Reading answers: may they, how much, why (`api.md` 2). Writes nothing, takes no transaction id.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::facts::Wanted;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::customer;
use crate::flow::decided::Decided;
use crate::flow::hold;
use crate::flow::standing::Standing;
use crate::flow::text;
use crate::flow::warm::known;
use crate::meter::Used;
use chrono::{DateTime, Utc};
use owostack_domain::decision::{self, Code, Decision};
use owostack_domain::decision::{Explained, explain as explain_entitlement};
use owostack_domain::entitlement::{Entitlement, Feature, FeatureType, GrantState};
use owostack_domain::quantity::Quantity;
use serde_json::Value;

/// Who asks about what.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub customer: Option<&'a str>,
    pub feature: Option<&'a str>,
    pub entity: Option<&'a str>,
}

/// One row of `owo_features`.
#[derive(Debug, Clone)]
pub struct FeatureRow {
    pub feature: String,
    pub feature_type: &'static str,
    pub decided: Decided,
    pub source: Option<&'static str>,
    pub value: Option<Value>,
    pub changes_at: Option<DateTime<Utc>>,
}

/// The feature with that slug.
///
/// # Errors
/// `22004` when NULL, `42704` when there is none.
pub fn feature(context: &Context, snapshot: &Snapshot, slug: Option<&str>) -> Result<Feature> {
    let slug = text::required("feature", slug)?;
    db::facts::feature(snapshot, context.organization.id, slug)?
        .ok_or_else(|| Error::unknown_feature(slug))
}

/// Who is meant, or the code that says why nobody is.
enum Subject {
    Known(Customer),
    Unknown(Code),
}

fn subject(context: &Context, snapshot: &Snapshot, question: &Question) -> Result<Subject> {
    let found = match question.customer {
        Some(name) => customer::find(context, snapshot, name)?,
        None => None,
    };
    let Some(customer) = found else {
        return Ok(Subject::Unknown(Code::CustomerNotFound));
    };
    if let Some(entity) = question.entity {
        text::bounded("entity", entity, text::KEY_LENGTH)?;
        if !db::entity::exists(snapshot, customer.id, entity, context.now)? {
            return Ok(Subject::Unknown(Code::EntityNotFound));
        }
    }
    Ok(Subject::Known(customer))
}

/// Whether `value` more may be used now.
///
/// # Errors
/// `22023` for a negative value, `42704` for an unknown feature.
pub fn decide(context: &Context, question: &Question, value: Quantity) -> Result<Decided> {
    if value.is_negative() {
        return Err(
            Error::invalid(format!("value is {value}, a check needs zero or more"))
                .hint("A negative value given to owo_track() takes usage back."),
        );
    }
    let before = known::before(context, question);
    let snapshot = Snapshot::latest()?;
    let feature = feature(context, &snapshot, question.feature)?;
    let customer = match subject(context, &snapshot, question)? {
        Subject::Known(customer) => customer,
        Subject::Unknown(code) => return Ok(Decision::not_found(code, &feature.slug).into()),
    };
    let standing = Standing::load(context, &snapshot, &customer, Wanted::Feature(feature.id))?;
    let (entitlement, used) = loaded(context, &snapshot, &standing, &feature, question.entity)?;
    let count = match feature.feature_type {
        FeatureType::Entity => Some(count(context, &snapshot, &customer, &entitlement)?),
        _ => None,
    };
    known::keep(
        context,
        question,
        before,
        &known::Resolved {
            customer: &customer,
            standing: &standing,
            entitlement: &entitlement,
            count,
        },
    );
    Ok(match count {
        Some(count) => decision::entity(&entitlement, count, value),
        None => check(context, &customer, &entitlement, &used, value)?,
    }
    .into())
}

/// The decision about what is counted; holds whose time is over make room (protocol 19).
fn check(
    context: &Context,
    customer: &Customer,
    entitlement: &Entitlement,
    used: &Used,
    value: Quantity,
) -> Result<Decision> {
    let decision = decision::check(entitlement, used, value);
    if decision.code.is_shortage()
        && let Some(rest) = hold::without_due(context, customer.id, used)?
    {
        return Ok(decision::check(entitlement, &rest, value));
    }
    Ok(decision)
}

fn loaded(
    context: &Context,
    snapshot: &Snapshot,
    standing: &Standing,
    feature: &Feature,
    entity: Option<&str>,
) -> Result<(Entitlement, Used)> {
    let entitlement = standing.entitlement(snapshot, feature.id, entity, context.now)?;
    let mut used = Used::new();
    if feature.feature_type == FeatureType::Metered {
        standing.load_used(snapshot, &entitlement, &mut used)?;
    }
    Ok((entitlement, used))
}

/// The decision about one resolved feature of any type.
fn judge(
    context: &Context,
    snapshot: &Snapshot,
    customer: &Customer,
    entitlement: &Entitlement,
    used: &Used,
    value: Quantity,
) -> Result<Decision> {
    if entitlement.feature_type != FeatureType::Entity {
        return check(context, customer, entitlement, used, value);
    }
    let count = count(context, snapshot, customer, entitlement)?;
    Ok(decision::entity(entitlement, count, value))
}

fn count(
    context: &Context,
    snapshot: &Snapshot,
    customer: &Customer,
    entitlement: &Entitlement,
) -> Result<i64> {
    db::entity::count(snapshot, customer.id, entitlement.feature_id, context.now)
}

/// The limit of a feature: None is unlimited, zero is none.
///
/// # Errors
/// As [`decide`].
pub fn limit(context: &Context, question: &Question) -> Result<Option<Quantity>> {
    let snapshot = Snapshot::latest()?;
    let feature = feature(context, &snapshot, question.feature)?;
    let Subject::Known(customer) = subject(context, &snapshot, question)? else {
        return Ok(Some(Quantity::ZERO));
    };
    let standing = Standing::load(context, &snapshot, &customer, Wanted::Feature(feature.id))?;
    let (entitlement, used) = loaded(context, &snapshot, &standing, &feature, None)?;
    if entitlement.grant != GrantState::Granted {
        return Ok(Some(Quantity::ZERO));
    }
    Ok(judge(
        context,
        &snapshot,
        &customer,
        &entitlement,
        &used,
        Quantity::ZERO,
    )?
    .usage_limit)
}

/// The resolved static value, else the feature's default.
///
/// # Errors
/// As [`decide`].
pub fn value(context: &Context, question: &Question) -> Result<Option<Value>> {
    let snapshot = Snapshot::latest()?;
    let feature = feature(context, &snapshot, question.feature)?;
    let Subject::Known(customer) = subject(context, &snapshot, question)? else {
        return Ok(feature.default_value);
    };
    let standing = Standing::load(context, &snapshot, &customer, Wanted::Feature(feature.id))?;
    let resolved = standing.resolve(feature.id, question.entity, context.now);
    Ok(resolved.value.or(feature.default_value))
}

/// Every feature of the catalog as the customer has it; nothing for an unknown customer.
///
/// # Errors
/// As the statements.
pub fn features(context: &Context, name: Option<&str>) -> Result<Vec<FeatureRow>> {
    let snapshot = Snapshot::latest()?;
    let question = Question {
        customer: name,
        feature: None,
        entity: None,
    };
    let Subject::Known(customer) = subject(context, &snapshot, &question)? else {
        return Ok(Vec::new());
    };
    let standing = Standing::load(context, &snapshot, &customer, Wanted::All)?;
    let mut features: Vec<&Feature> = standing.facts().features.values().collect();
    features.sort_by(|one, other| one.slug.cmp(&other.slug));
    let mut rows = Vec::with_capacity(features.len());
    for feature in features {
        let (entitlement, used) = loaded(context, &snapshot, &standing, feature, None)?;
        let decision = judge(
            context,
            &snapshot,
            &customer,
            &entitlement,
            &used,
            Quantity::ONE,
        )?;
        rows.push(FeatureRow {
            feature: feature.slug.clone(),
            feature_type: type_name(feature.feature_type),
            decided: decision.into(),
            source: entitlement
                .sources
                .first()
                .map(|source| source.kind.as_str()),
            value: entitlement.value.clone(),
            changes_at: entitlement.valid_until,
        });
    }
    Ok(rows)
}

/// The word for a type of feature, as in the catalog.
pub fn type_name(feature_type: FeatureType) -> &'static str {
    match feature_type {
        FeatureType::Boolean => "boolean",
        FeatureType::Metered => "metered",
        FeatureType::Entity => "entity",
        FeatureType::Static => "static",
    }
}

/// Sources in draw order and what was ignored; nothing for an unknown customer or entity.
///
/// # Errors
/// As [`decide`].
pub fn explain(context: &Context, question: &Question) -> Result<Vec<Explained>> {
    let snapshot = Snapshot::latest()?;
    let feature = feature(context, &snapshot, question.feature)?;
    let Subject::Known(customer) = subject(context, &snapshot, question)? else {
        return Ok(Vec::new());
    };
    let standing = Standing::load(context, &snapshot, &customer, Wanted::Feature(feature.id))?;
    let (entitlement, used) = loaded(context, &snapshot, &standing, &feature, question.entity)?;
    if feature.feature_type == FeatureType::Entity {
        let count = count(context, &snapshot, &customer, &entitlement)?;
        return Ok(decision::explain_entities(&entitlement, count));
    }
    Ok(explain_entitlement(&entitlement, &used))
}
