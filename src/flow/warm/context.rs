//! Organization and rights of a session as they were judged before.

use crate::backend::call::{Access, Caller};
use crate::backend::clock::{self, Tick};
use crate::backend::generation;
use crate::backend::local::Local;
use crate::backend::owner;
use crate::backend::roles;
use crate::flow::context::{Context, Level};
use crate::guc;
use chrono::{DateTime, Utc};
use pgrx::pg_sys;
use std::rc::Rc;

/// Settings of a session seen lately; a pool serves few roles and organizations.
const KEPT: usize = 16;

struct Judged {
    slug: String,
    role: pg_sys::Oid,
    level: Level,
    access: Access,
    generation: (u32, u64, u64),
    roles: u64,
    /// The organization's own clock.
    clock: Option<Tick>,
    epoch: u64,
    context: Rc<Context>,
}

/// Epochs given out so far: one for each organization and its generations.
static EPOCHS: Local<u64> = Local::new(0);

static JUDGED: Local<Vec<Judged>> = Local::new(Vec::new());

/// A context that was judged before, and the time of the running call in it.
#[derive(Debug, Clone)]
pub struct Warm {
    pub context: Rc<Context>,
    pub tick: Tick,
    /// The session's number for the organization and the generations under which it was judged.
    pub epoch: u64,
    /// Those generations.
    pub generation: (u32, u64, u64),
}

impl Warm {
    /// The time of the running call.
    pub fn now(&self) -> DateTime<Utc> {
        clock::from_postgres(self.tick).unwrap_or_default()
    }

    /// A context of its own for the running call.
    pub fn own(&self) -> Context {
        Context {
            now: self.now(),
            ..(*self.context).clone()
        }
    }
}

/// What was judged before for such a call of the current user, if nothing has changed since.
///
/// Called outside `AsOwner`, where the current user is who calls.
pub fn find(level: Level, access: Access, at: Tick) -> Option<Warm> {
    let slug = |slug: &str| guc::is_organization(slug);
    find_for(owner::current_user(), slug, level, access, at)
}

/// Whether nothing was judged for such a call of the current user, though it could be kept.
pub fn is_new(level: Level, access: Access) -> bool {
    generation::is_usable() && find(level, access, access.tick()).is_none()
}

/// The same as [`find`] for a call in a named organization, with the rights of `caller.role`.
pub fn find_named(slug: &str, level: Level, caller: &Caller) -> Option<Warm> {
    find_for(
        caller.role,
        |one| one == slug,
        level,
        caller.access,
        clock::to_postgres(caller.at),
    )
}

fn find_for(
    role: pg_sys::Oid,
    is_meant: impl Fn(&str) -> bool,
    level: Level,
    access: Access,
    at: Tick,
) -> Option<Warm> {
    if !generation::is_usable() {
        return None;
    }
    let roles = roles::generation();
    JUDGED.read(|judged| {
        let hit = judged.iter().find(|one| {
            one.level == level && one.access == access && one.role == role && is_meant(&one.slug)
        })?;
        let generation = generation::of_organization(hit.context.organization.id)?;
        let stands = hit.generation == generation && hit.roles == roles;
        stands.then(|| Warm {
            context: Rc::clone(&hit.context),
            tick: hit.clock.unwrap_or(at),
            epoch: hit.epoch,
            generation: hit.generation,
        })
    })
}

/// The context of a call that is like one before; its caller need not be the current user any more.
pub fn find_owned(level: Level, caller: &Caller) -> Option<Context> {
    let slug = |slug: &str| guc::is_organization(slug);
    let at = clock::to_postgres(caller.at);
    let warm = find_for(caller.role, slug, level, caller.access, at)?;
    Some(Context::new(*caller, warm.context.organization.clone()))
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

/// The epoch of an organization under these generations.
fn epoch(organization_id: uuid::Uuid, generation: (u32, u64, u64)) -> u64 {
    let is_same = |one: &&Judged| {
        one.context.organization.id == organization_id && one.generation == generation
    };
    let known = JUDGED.read(|judged| judged.iter().find(is_same).map(|one| one.epoch));
    known.unwrap_or_else(|| {
        EPOCHS.write(|epochs| {
            *epochs = epochs.wrapping_add(1);
            *epochs
        })
    })
}

/// Keeps a context that was judged after `before` was read.
pub fn keep(context: &Context, level: Level, before: Before) {
    // Judging may itself have bound the database: if that is rolled back, no generation moves.
    let usable = generation::is_usable();
    let Some(generation) = before.generation.filter(|_| usable) else {
        return;
    };
    let epoch = epoch(context.organization.id, generation);
    let judged = Judged {
        epoch,
        slug: context.organization.slug.clone(),
        role: context.caller.role,
        level,
        access: context.caller.access,
        generation,
        roles: before.roles,
        clock: context.organization.clock_at.map(clock::to_postgres),
        context: Rc::new(context.clone()),
    };
    JUDGED.write(|kept| {
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
