//! The shadow document: desired and reported state, their timestamps, and a version.
//!
//! [`UpdateRequest::parse`] checks a request, [`update`](update()) applies it, [`Updated`] writes what is then
//! published. [`Record`] is what a store keeps: a document, or the tombstone of one. [`three_way_merge`] joins what
//! two sides have made of one document.

mod answers;
mod delta;
mod merge;
mod record;
mod request;
mod section;
mod stamps;
mod three_way;
mod update;

pub use answers::{delete_accepted, get_accepted};
pub use delta::{delta, patch_between};
pub use merge::merge;
pub(crate) use merge::without_nulls;
pub use record::{Record, RecordError};
pub use request::UpdateRequest;
pub(crate) use request::client_token;
pub use section::Section;
pub(crate) use section::state_size;
pub use three_way::{Owner, three_way_merge};
pub use update::{Updated, update};

use crate::json::{Json, Object};

/// How long a deleted shadow's version is remembered, in seconds: 48 hours.
pub const TOMBSTONE_SECONDS: u64 = 48 * 60 * 60;

/// A shadow that exists. A section without members counts as absent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    /// What the device should be.
    pub desired: Section,
    /// What the device says it is.
    pub reported: Section,
    /// One more with each accepted update.
    pub version: u64,
}

impl Document {
    /// Compact JSON bytes of the desired plus of the reported state: what AWS counts. Metadata is free.
    pub fn size(&self) -> usize {
        self.desired.size() + self.reported.size()
    }

    /// `{"state":…,"metadata":…,"version":…}`, without the sections that are empty.
    fn to_object(&self) -> Object {
        let sections = [("desired", &self.desired), ("reported", &self.reported)];
        let present = |member: fn(&Section) -> Object| -> Json {
            let kept = sections.into_iter().filter(|(_, section)| !section.is_empty());
            Json::Object(
                kept.map(|(name, section)| (name.to_owned(), Json::Object(member(section)))).collect(),
            )
        };
        Object::from_iter([
            ("state".to_owned(), present(|section| section.state().clone())),
            ("metadata".to_owned(), present(Section::metadata)),
            ("version".to_owned(), self.version.into()),
        ])
    }
}
