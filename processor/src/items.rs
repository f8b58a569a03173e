//! What is done with each kind of item: one file per kind that is stored.

pub(crate) mod event;
mod tags;

use bugle_protocol::Item;

/// How much an item counts as, in its own category.
pub(crate) fn quantity(item: &Item<'_>) -> i64 {
    // Containers say in their header how many entries they hold. A lie of a hostile client must not overflow a counter.
    item.header.item_count().clamp(1, 100_000).cast_signed()
}
