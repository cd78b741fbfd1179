//! [`Place`]: where the disk buffer of a sink is, and how it is kept.

use std::path::PathBuf;
use std::sync::Arc;

use fieldline_core::policy::{Priority, WhenFull};
use fieldline_store::{DEFAULT_MAX_SIZE, Options, Storage};

use crate::books::Books;
use crate::node::NodeHandle;

/// Where a store is and how it is kept.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) directory: PathBuf,
    pub(crate) options: Options,
    pub(crate) priority: Priority,
    /// Where the ledger is kept.
    pub(crate) books: Arc<Books>,
    /// The name of the sink, for what is logged.
    pub(crate) node: Arc<str>,
}

/// Where the buffer of a sink is: the same place after a restart, and when the sink comes back.
pub(crate) fn place(handle: &NodeHandle, storage: Arc<dyn Storage>) -> Place {
    let settings = &handle.node.policy.buffer;
    let id = &handle.node.id;
    let books = handle.data_dir.join("ledgers").join(id.pipeline()).join(id.node());
    Place {
        books: Arc::new(Books::new(storage.clone(), books)),
        storage,
        directory: handle.data_dir.join("buffers").join(id.pipeline()).join(id.node()),
        options: Options {
            max_size: settings.max_size.map_or(DEFAULT_MAX_SIZE, |size| size.0),
            when_full: match settings.when_full {
                WhenFull::Block => fieldline_store::WhenFull::Block,
                WhenFull::DropOldest => fieldline_store::WhenFull::DropOldest,
                WhenFull::DropNewest => fieldline_store::WhenFull::DropNewest,
            },
            max_age: settings.max_age.map(|period| period.0),
        },
        priority: settings.priority,
        node: id.as_str().into(),
    }
}
