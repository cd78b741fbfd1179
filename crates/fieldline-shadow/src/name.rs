//! Which shadow is meant: a thing, and for a named shadow its name.

use std::fmt;

/// Characters a thing's name may have.
pub const MAX_THING_NAME: usize = 128;
/// Characters a shadow's name may have.
pub const MAX_SHADOW_NAME: usize = 64;

/// The address of one shadow; both names are known to be valid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShadowName {
    thing: String,
    shadow: Option<String>,
}

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The thing's name is empty, too long or has other characters.
    #[error("thing name `{0}` must be 1 to {MAX_THING_NAME} characters of a-z, A-Z, 0-9, `:`, `_` and `-`")]
    Thing(String),
    /// The shadow's name is empty, too long or has other characters.
    #[error(
        "shadow name `{0}` must be 1 to {MAX_SHADOW_NAME} characters of a-z, A-Z, 0-9, `$`, `:`, `_` and `-`"
    )]
    Shadow(String),
}

impl ShadowName {
    /// The classic, unnamed shadow of a thing.
    pub fn classic(thing: impl Into<String>) -> Result<Self, NameError> {
        let thing = thing.into();
        check_thing(&thing)?;
        Ok(ShadowName { thing, shadow: None })
    }

    /// A named shadow of a thing.
    pub fn named(thing: impl Into<String>, shadow: impl Into<String>) -> Result<Self, NameError> {
        let (thing, shadow) = (thing.into(), shadow.into());
        check_thing(&thing)?;
        if !is_name(&shadow, MAX_SHADOW_NAME, "$:_-") {
            return Err(NameError::Shadow(shadow));
        }
        Ok(ShadowName { thing, shadow: Some(shadow) })
    }

    /// The thing.
    pub fn thing(&self) -> &str {
        &self.thing
    }

    /// The shadow's name; `None` for the classic shadow.
    pub fn shadow(&self) -> Option<&str> {
        self.shadow.as_deref()
    }
}

/// The form of AWS's error texts: `thing`, or `thing~shadow`.
impl fmt::Display for ShadowName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shadow {
            Some(shadow) => write!(formatter, "{}~{shadow}", self.thing),
            None => formatter.write_str(&self.thing),
        }
    }
}

pub(crate) fn check_thing(thing: &str) -> Result<(), NameError> {
    if is_name(thing, MAX_THING_NAME, ":_-") { Ok(()) } else { Err(NameError::Thing(thing.to_owned())) }
}

fn is_name(name: &str, longest: usize, punctuation: &str) -> bool {
    (1..=longest).contains(&name.len())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || punctuation.contains(character))
}
