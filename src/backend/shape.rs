//! Row types of functions, remembered by this backend.
//!
//! A call site that runs once (a statement over the wire) would look its row type up each time. The
//! type is that of the function's own declaration: a changed function or a changed type is heard of
//! by invalidation, as everywhere in Postgres.

use crate::backend::local::Local;
use crate::backend::{relation, roles};
use crate::error::{Error, Result};
use pgrx::pg_sys;

struct Shape {
    function: pg_sys::Oid,
    /// Of functions, among others.
    generation: u64,
    /// The relation that stands for the type.
    relation: pg_sys::Oid,
    descriptor: pg_sys::TupleDesc,
}

static SHAPES: Local<Vec<Shape>> = Local::new(Vec::new());

/// The descriptor of the call's result.
///
/// # Errors
/// When the function was not declared with a composite result.
pub fn of_result(fcinfo: pg_sys::FunctionCallInfo) -> Result<pg_sys::TupleDesc> {
    let generation = roles::generation();
    // SAFETY: fcinfo is that of the running call.
    let function = unsafe { (*(*fcinfo).flinfo).fn_oid };
    let known = SHAPES.read(|shapes| {
        let known = shapes.iter().find(|shape| {
            shape.function == function && shape.generation == generation && is_named(shape.relation)
        });
        known.map(|shape| shape.descriptor)
    });
    match known {
        Some(descriptor) => Ok(descriptor),
        None => look_up(fcinfo, function, generation),
    }
}

fn is_named(relation: pg_sys::Oid) -> bool {
    relation != pg_sys::InvalidOid
}

fn look_up(
    fcinfo: pg_sys::FunctionCallInfo,
    function: pg_sys::Oid,
    generation: u64,
) -> Result<pg_sys::TupleDesc> {
    relation::listen();
    let found = result_descriptor(fcinfo)?;
    // SAFETY: a valid descriptor; the copy lives as long as the backend. One that is forgotten after
    // a change is not freed: a call may be using it.
    let shape = unsafe {
        let relation = pg_sys::get_typ_typrelid((*found).tdtypeid);
        if !is_named(relation) {
            return Ok(found);
        }
        let previous = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let descriptor = pg_sys::CreateTupleDescCopy(found);
        pg_sys::MemoryContextSwitchTo(previous);
        Shape {
            function,
            generation,
            relation,
            descriptor,
        }
    };
    let descriptor = shape.descriptor;
    SHAPES.write(|shapes| {
        shapes.retain(|shape| shape.function != function && is_named(shape.relation));
        shapes.push(shape);
    });
    Ok(descriptor)
}

fn result_descriptor(fcinfo: pg_sys::FunctionCallInfo) -> Result<pg_sys::TupleDesc> {
    let mut descriptor: pg_sys::TupleDesc = std::ptr::null_mut();
    // SAFETY: fcinfo is that of the running call.
    let class =
        unsafe { pg_sys::get_call_result_type(fcinfo, std::ptr::null_mut(), &raw mut descriptor) };
    if class != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE || descriptor.is_null() {
        return Err(Error::internal(
            "the function is not declared with a composite result",
        ));
    }
    // SAFETY: a valid descriptor; blessing only registers it.
    Ok(unsafe { pg_sys::BlessTupleDesc(descriptor) })
}

/// Forgets what is kept of a relation, or of any when that is `InvalidOid`.
pub fn forget(relation: pg_sys::Oid) {
    SHAPES.write(|shapes| {
        for shape in shapes.iter_mut() {
            if relation == pg_sys::InvalidOid || relation == shape.relation {
                shape.relation = pg_sys::InvalidOid;
            }
        }
    });
}
