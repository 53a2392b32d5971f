//! Entitlements as bytes say the same as before.

use proptest::prelude::*;

use super::dice::{Dice, tape, world};
use crate::entitlement::Entitlement;
use crate::entitlement::fixture::*;

/// Everything but what was left out, which is for explanations.
fn picture(mut entitlement: Entitlement) -> String {
    entitlement.ignored.clear();
    format!("{entitlement:#?}")
}

fn some_entitlement(dice: &mut Dice) -> Entitlement {
    let world = world(dice);
    let entity = [None, Some("a")][usize::from(dice.roll(2))];
    let feature = [CALLS, IMAGES, SSO, SEATS, REGION][usize::from(dice.roll(5))];
    let at = dice.time("2026-01-15", 2500);
    Book::default().entitlement(&world, feature, entity, at)
}

proptest! {
    #[test]
    fn what_is_unpacked_is_what_was_packed(tape in tape()) {
        let entitlement = some_entitlement(&mut Dice::new(tape));
        if let Some(bytes) = entitlement.packed() {
            let read = Entitlement::unpacked(&bytes).map(picture);
            prop_assert_eq!(read, Some(picture(entitlement)));
        }
    }

    #[test]
    fn other_bytes_give_nothing_or_something_whole(tape in tape(), cut in any::<u16>(), flip in any::<(u16, u8)>()) {
        let entitlement = some_entitlement(&mut Dice::new(tape));
        let Some(mut bytes) = entitlement.packed() else {
            return Ok(());
        };
        let cut = usize::from(cut) % bytes.len();
        prop_assert!(Entitlement::unpacked(&bytes[..cut]).is_none());
        let place = usize::from(flip.0) % bytes.len();
        bytes[place] ^= flip.1;
        // May be another entitlement; must not be a crash.
        let _ = Entitlement::unpacked(&bytes);
    }
}

#[test]
fn what_would_be_lost_is_not_packed() {
    let world = World::new();
    let nothing = Book::default().entitlement(&world, CALLS, None, time("2026-01-15"));
    assert!(nothing.ignored.is_empty() && nothing.packed().is_some());
}
