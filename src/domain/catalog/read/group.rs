//! Reads plan groups, makes those that plans only name, and judges what holds across a group.

use super::super::limits::{LIST_LENGTH, SLUG_LENGTH};
use super::super::{Plan, PlanGroup};
use super::object::Object;
use super::scope::Scope;
use super::value::text_problem;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const KEYS: [&str; 4] = ["slug", "name", "exclusive", "features"];

/// The groups that the document declares.
pub(super) fn declared(document: &Object<'_>, scope: &mut Scope<'_>) -> Vec<PlanGroup> {
    let items = document.list("planGroups", LIST_LENGTH);
    let read = items.into_iter().filter_map(|(path, value)| {
        let object = Object::open(value, path, &KEYS, document.notes)?;
        group(&object, scope)
    });
    read.collect()
}

/// One plan group.
pub(super) fn group(object: &Object<'_>, scope: &mut Scope<'_>) -> Option<PlanGroup> {
    let name = object.line("name");
    let exclusive = object.boolean("exclusive", true);
    let features = features(object, scope);
    let slug = object.required("slug", object.slug("slug"))?;
    if let Some(problem) = scope.add_group(&slug, exclusive) {
        object.problem("slug", problem);
    }
    Some(PlanGroup {
        name: name.unwrap_or_else(|| slug.clone()),
        slug,
        exclusive,
        features,
    })
}

fn features(object: &Object<'_>, scope: &Scope<'_>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut features = Vec::new();
    for (path, value) in object.list("features", LIST_LENGTH) {
        let Value::String(slug) = value else {
            object.notes.problem(path, "must be the slug of a feature");
            continue;
        };
        if let Some(problem) = text_problem(slug, SLUG_LENGTH) {
            object.notes.problem(path, problem);
        } else if scope.feature(slug).is_none() {
            object.notes.problem(path, format!("no feature \"{slug}\""));
        } else if !seen.insert(slug) {
            object
                .notes
                .problem(path, format!("\"{slug}\" is named twice"));
        } else {
            features.push(slug.clone());
        }
    }
    features
}

/// The groups that plans name and nobody has declared: made, exclusive.
pub(super) fn implied(plans: &[Plan], scope: &mut Scope<'_>) -> Vec<PlanGroup> {
    let mut groups = Vec::new();
    for slug in plans.iter().filter_map(|plan| plan.plan_group.as_ref()) {
        if scope.exclusive(slug).is_none() {
            let group = PlanGroup::implied(slug);
            scope.add_group(slug, group.exclusive);
            groups.push(group);
        }
    }
    groups
}

/// A new customer gets one base plan of each exclusive group, so only one may enable itself.
pub(super) fn judge_auto_enable(document: &Object<'_>, plans: &[Plan], scope: &Scope<'_>) {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for (slug, plan) in &scope.known().plans {
        if let Some(group) = &plan.plan_group
            && plan.auto_enable
            && !scope.declares_plan(slug)
        {
            first.insert(group, slug);
        }
    }
    for plan in plans {
        let Some(group) = plan.plan_group.as_deref() else {
            continue;
        };
        let stored = scope.known().plans.get(&plan.slug);
        let active = plan
            .active
            .or(stored.map(|stored| stored.active))
            .unwrap_or(true);
        let competes = plan.auto_enable && !plan.is_addon && active;
        if !competes || scope.exclusive(group) != Some(true) {
            continue;
        }
        match first.get(group) {
            Some(other) => document.problem(
                "plans",
                format!(
                    "\"{other}\" and \"{}\" are both enabled by themselves in the exclusive group \"{group}\"",
                    plan.slug
                ),
            ),
            None => {
                first.insert(group, &plan.slug);
            }
        }
    }
}
