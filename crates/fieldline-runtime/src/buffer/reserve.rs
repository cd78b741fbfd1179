//! [`Reserve`]: what a disk buffer leaves free on a card that others need too, by its priority.
//!
//! Below its reserve a buffer does not grow: it lets its oldest events go, drops new ones, or lets them wait, as its
//! `when_full` says. It grows again when a quarter more than its reserve is free.

use fieldline_core::policy::Priority;
use fieldline_store::Space;

/// Part of a file system that `low` leaves free, and the most of it in bytes.
const LOW: (u64, u64) = (10, 1 << 30);

/// The same for `normal`.
const NORMAL: (u64, u64) = (20, 512 << 20);

/// One buffer's view of its card.
pub(crate) struct Reserve {
    priority: Priority,
    /// The bytes the buffer had when the card became short; it does not grow beyond them.
    limit: Option<u64>,
}

impl Reserve {
    /// The reserve of a buffer that has not looked yet.
    pub(crate) fn new(priority: Priority) -> Self {
        Reserve { priority, limit: None }
    }

    /// Looks at the card, for a buffer that occupies `used` bytes. Tells whether the card is short now, if that has
    /// changed.
    pub(crate) fn look(&mut self, space: Space, used: u64) -> Option<bool> {
        let bytes = self.bytes(space.total);
        match self.limit {
            None if space.free < bytes => {
                self.limit = Some(used);
                Some(true)
            }
            Some(_) if space.free >= bytes + bytes / 4 => {
                self.limit = None;
                Some(false)
            }
            _ => None,
        }
    }

    /// The bytes the buffer may occupy; `None` where its own cap alone counts.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit
    }

    fn bytes(&self, total: u64) -> u64 {
        match self.priority {
            Priority::Low => (total / LOW.0).min(LOW.1),
            Priority::Normal => (total / NORMAL.0).min(NORMAL.1),
            Priority::High => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_shrinks_with_the_priority_and_opens_again_later_than_it_closes() {
        let mb = |free: u64| Space { free: free << 20, total: 1000 << 20 };
        let (mut low, mut normal, mut high) =
            (Reserve::new(Priority::Low), Reserve::new(Priority::Normal), Reserve::new(Priority::High));
        assert_eq!(low.look(mb(100), 7), None);
        assert_eq!(low.look(mb(99), 7), Some(true));
        assert_eq!((low.limit(), low.look(mb(124), 7)), (Some(7), None));
        assert_eq!((low.look(mb(125), 7), low.limit()), (Some(false), None));
        assert_eq!((normal.look(mb(50), 7), normal.look(mb(49), 7)), (None, Some(true)));
        assert_eq!(high.look(mb(0), 7), None);
    }

    #[test]
    fn a_large_disk_is_not_left_empty() {
        let space = Space { free: 2 << 30, total: 1 << 40 };
        assert_eq!(Reserve::new(Priority::Low).look(space, 0), None);
    }
}
