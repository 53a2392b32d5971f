//! Organization and rights of a session as they were judged before.

use crate::backend::call::{Access, Caller};
use crate::backend::generation;
use crate::backend::owner;
use crate::backend::roles;
use crate::flow::context::{Context, Level};
use crate::guc;
use chrono::{DateTime, Utc};
use pgrx::pg_sys;
use std::cell::RefCell;

/// Settings of a session seen lately; a pool serves few roles and organizations.
const KEPT: usize = 16;

struct Judged {
    slug: String,
    role: pg_sys::Oid,
    level: Level,
    access: Access,
    generation: (u32, u64, u64),
    roles: u64,
    context: Context,
}

thread_local! {
    static JUDGED: RefCell<Vec<Judged>> = const { RefCell::new(Vec::new()) };
}

/// The context of a call at `at`, if the same was judged before and nothing has changed.
pub fn find(level: Level, access: Access, at: DateTime<Utc>) -> Option<Context> {
    if !generation::is_usable() {
        return None;
    }
    let slug = guc::organization();
    let role = owner::current_user();
    let roles = roles::generation();
    JUDGED.with_borrow(|judged| {
        let hit = judged.iter().find(|one| {
            one.level == level && one.access == access && one.role == role && one.slug == slug
        })?;
        let generation = generation::of_organization(hit.context.organization.id)?;
        if hit.generation != generation || hit.roles != roles {
            return None;
        }
        let caller = Caller {
            at,
            ..hit.context.caller
        };
        Some(Context::new(caller, hit.context.organization.clone()))
    })
}

/// Generations to read before a context is judged.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    generation: Option<(u32, u64, u64)>,
    roles: u64,
}

/// Reads the generations that a context with this organization depends on.
pub fn before(organization_id: uuid::Uuid) -> Before {
    let usable = generation::is_usable();
    Before {
        generation: generation::of_organization(organization_id).filter(|_| usable),
        roles: roles::generation(),
    }
}

/// Keeps a context that was judged after `before` was read.
pub fn keep(context: &Context, level: Level, before: Before) {
    let Some(generation) = before.generation else {
        return;
    };
    let judged = Judged {
        slug: context.organization.slug.clone(),
        role: context.caller.role,
        level,
        access: context.caller.access,
        generation,
        roles: before.roles,
        context: context.clone(),
    };
    JUDGED.with_borrow_mut(|kept| {
        kept.retain(|one| {
            one.level != judged.level
                || one.access != judged.access
                || one.role != judged.role
                || one.slug != judged.slug
        });
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(judged);
    });
}
