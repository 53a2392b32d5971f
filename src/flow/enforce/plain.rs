//! What a statement's changed rows say, where their columns are plain: summed here, row by row.
//!
//! The same as `db/enforce/rows` says in SQL, which everything unusual is left to: rows of an UPDATE
//! that stay as they were cost a comparison, instead of two sorts and a join.

use crate::backend::changed::{self, Cell, Columns};
use crate::backend::trigger::{Event, Trigger};
use crate::db::enforce::rows::{Places, Reading, Sum, Value};
use owostack_domain::quantity::Quantity;
use std::collections::HashMap;

/// Customer, entity, value.
type Cells<'a> = [Cell<'a>; 3];

/// What one customer and entity are asked for.
#[derive(Default)]
struct Group {
    amount: Quantity,
    asks: bool,
    missing: bool,
}

/// Customers and entities with what was summed of each, in the order in which they came.
struct Groups<T> {
    places: HashMap<Vec<u8>, usize>,
    list: Vec<(Option<String>, Option<String>, T)>,
    /// The name that is looked up.
    name: Vec<u8>,
}

impl<T: Default> Groups<T> {
    fn new() -> Self {
        Self {
            places: HashMap::new(),
            list: Vec::new(),
            name: Vec::new(),
        }
    }

    /// The group of a customer and entity.
    fn of(&mut self, customer: Cell, entity: Cell) -> Option<&mut T> {
        self.name.clear();
        for cell in [customer, entity] {
            spell(cell, &mut self.name)?;
        }
        if let Some(place) = self.places.get(self.name.as_slice()) {
            return self.list.get_mut(*place).map(|(_, _, group)| group);
        }
        self.places.insert(self.name.clone(), self.list.len());
        self.list.push((text(customer), text(entity), T::default()));
        self.list.last_mut().map(|(_, _, group)| group)
    }
}

/// Adds a cell to the name of a group, so that no two pairs of texts have one name.
fn spell(cell: Cell, name: &mut Vec<u8>) -> Option<()> {
    match cell {
        Cell::Null => name.push(0),
        Cell::Text(text) => {
            name.push(1);
            name.extend(u32::try_from(text.len()).ok()?.to_ne_bytes());
            name.extend(text.as_bytes());
        }
        Cell::Id(id) => {
            name.push(2);
            name.extend(id.as_bytes());
        }
        Cell::Int(number) => {
            name.push(3);
            name.extend(number.to_ne_bytes());
        }
        // The text of a number depends on how many zeros it was written with.
        Cell::Number(_) => return None,
    }
    Some(())
}

fn text(cell: Cell) -> Option<String> {
    match cell {
        Cell::Null => None,
        Cell::Text(text) => Some(text.to_owned()),
        Cell::Id(id) => Some(id.to_string()),
        Cell::Int(number) => Some(number.to_string()),
        Cell::Number(number) => Some(number.to_string()),
    }
}

/// A value; an outer None where it is left to SQL.
fn quantity(cell: Cell) -> Option<Option<Quantity>> {
    match cell {
        Cell::Null => Some(None),
        Cell::Int(number) => Some(Some(Quantity::from_int(number))),
        Cell::Number(number) => Some(Some(number)),
        Cell::Text(_) | Cell::Id(_) => None,
    }
}

/// The columns to read; None where SQL has to.
fn columns(trigger: &Trigger, reading: &Reading) -> Option<Columns<3>> {
    let value = match &reading.value {
        Value::One => None,
        Value::Column(name) => Some(name.as_str()),
        Value::Expression(_) => return None,
    };
    let names = [
        Some(reading.customer.as_str()),
        reading.entity.as_deref(),
        value,
    ];
    Columns::find(trigger, names)
}

/// What the rows ask for, by customer and entity; None where SQL has to say.
pub fn sums(trigger: &Trigger, reading: &Reading, returns: bool) -> Option<Vec<Sum>> {
    let columns = columns(trigger, reading)?;
    let is_one = reading.value == Value::One;
    let value = |cell: Cell| {
        if is_one {
            Some(Some(Quantity::ONE))
        } else {
            quantity(cell)
        }
    };
    let mut groups = Groups::<Group>::new();
    let whole = changed::walk(trigger, &columns, |was, is| {
        add(&mut groups, returns, &value, was, is)
    });
    let sum = |(customer, entity, group): (_, _, Group)| Sum {
        customer,
        entity,
        amount: group.amount.to_string(),
        asks: group.asks,
        missing: group.missing,
    };
    whole.then(|| groups.list.into_iter().map(sum).collect())
}

/// Adds one row's change; None where SQL has to say.
fn add(
    groups: &mut Groups<Group>,
    returns: bool,
    value: &impl Fn(Cell) -> Option<Option<Quantity>>,
    was: Option<Cells>,
    is: Option<Cells>,
) -> Option<()> {
    let [old_customer, old_entity, old_value] = was.unwrap_or([Cell::Null; 3]);
    let old_value = value(old_value)?;
    let before = was.and(old_value).unwrap_or(Quantity::ZERO);
    let mut stays = false;
    if let Some([customer, entity, new_value]) = is {
        let new_value = value(new_value)?;
        stays = was.is_some() && customer == old_customer && entity == old_entity;
        if stays && new_value == old_value {
            return Some(());
        }
        let group = groups.of(customer, entity)?;
        group.asks |= !stays;
        match new_value {
            None => group.missing = true,
            Some(after) => {
                let less = if stays { before } else { Quantity::ZERO };
                group.amount = group.amount.checked_add(after.checked_sub(less)?)?;
            }
        }
    }
    if was.is_some() && !stays && returns && old_customer != Cell::Null {
        let group = groups.of(old_customer, old_entity)?;
        group.amount = group.amount.checked_sub(before)?;
    }
    Some(())
}

/// Entities that left and came, by customer; None where SQL has to say.
pub fn places(trigger: &Trigger, reading: &Reading) -> Option<Vec<Places>> {
    let columns = columns(trigger, reading)?;
    let mut groups = Groups::<i64>::new();
    let whole = changed::walk(trigger, &columns, |was, is| {
        if let (Some([customer, entity, _]), Some(old)) = (is, was)
            && old.starts_with(&[customer, entity])
        {
            return Some(());
        }
        if let Some([customer, entity, _]) = was {
            *groups.of(customer, entity)? -= 1;
        }
        if let Some([customer, entity, _]) = is {
            *groups.of(customer, entity)? += 1;
        }
        Some(())
    });
    whole.then(|| by_customer(groups, trigger.event()))
}

fn by_customer(groups: Groups<i64>, event: Event) -> Vec<Places> {
    let mut found: Vec<Places> = Vec::new();
    let mut known: HashMap<Option<String>, usize> = HashMap::new();
    for (customer, entity, count) in groups.list {
        // What nobody named has left nothing.
        let nameless = customer.is_none() || entity.is_none();
        if count == 0 || (event == Event::Delete && nameless) {
            continue;
        }
        let place = *known.entry(customer.clone()).or_insert_with(|| {
            found.push(Places {
                customer,
                left: Vec::new(),
                came: Vec::new(),
                missing: false,
            });
            found.len() - 1
        });
        let Some(places) = found.get_mut(place) else {
            continue;
        };
        match entity {
            None => places.missing |= count > 0,
            Some(entity) if count > 0 => places.came.push(entity),
            Some(entity) => places.left.push(entity),
        }
    }
    found
}
