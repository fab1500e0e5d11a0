//! Text of bounded length, without NUL. What a host passes is checked, and what a visitor sends is cut.

use std::borrow::Cow;
use std::fmt;

/// Why a text was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The text has more bytes of UTF-8 than the field holds.
    #[error("{what} is {bytes} bytes long; at most {max} fit")]
    TooLong {
        /// The name of the type that refused.
        what: &'static str,
        /// How long the given text is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// The text holds U+0000, which PostgreSQL cannot store and which separates the parts of keys.
    #[error("{what} contains a NUL character")]
    Nul {
        /// The name of the type that refused.
        what: &'static str,
    },
    /// The text is empty, and the field needs one.
    #[error("{what} is empty")]
    Empty {
        /// The name of the type that refused.
        what: &'static str,
    },
}

pub(crate) fn check(what: &'static str, text: &str, min: usize, max: usize) -> Result<(), TextError> {
    if text.len() > max {
        return Err(TextError::TooLong { what, bytes: text.len(), max });
    }
    if text.len() < min {
        return Err(TextError::Empty { what });
    }
    if text.contains('\0') {
        return Err(TextError::Nul { what });
    }
    Ok(())
}

/// Strips NUL and cuts on a character boundary.
pub(crate) fn cut(text: &str, max: usize) -> String {
    let clean: Cow<'_, str> =
        if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) };
    let end = clean.floor_char_boundary(max);
    clean.get(..end).unwrap_or_default().to_owned()
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $min:tt ..= $max:tt, $debug:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// The most bytes of UTF-8 that it holds.
            pub const MAX: usize = $max;

            /// Takes a text as the host gave it.
            ///
            /// # Errors
            /// `TooLong`, `Nul`, or `Empty` if it has to hold something.
            pub fn new(text: impl Into<Cow<'static, str>>) -> Result<Self, TextError> {
                let text = text.into();
                check(stringify!($name), &text, $min, $max)?;
                Ok(Self(text))
            }

            /// The text, which is byte for byte what was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                text!(@debug $debug, self, f, $name)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::new(text.to_owned())
            }
        }

        impl TryFrom<&str> for $name {
            type Error = TextError;

            fn try_from(text: &str) -> Result<Self, TextError> {
                Self::new(text.to_owned())
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                Self::new(text)
            }
        }

        text!(@display $debug, $name);
        text!(@cut $min, $name);
    };
    (@debug shown, $self:ident, $f:ident, $name:ident) => {
        write!($f, concat!(stringify!($name), "({:?})"), $self.0)
    };
    // Personal data stays out of logs, also out of those of the host.
    (@debug personal, $self:ident, $f:ident, $name:ident) => {
        write!($f, concat!(stringify!($name), "([{} bytes])"), $self.0.len())
    };
    (@display shown, $name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
    (@display personal, $name:ident) => {};
    (@cut 0, $name:ident) => {
        impl $name {
            /// Takes what a visitor sent: NUL is stripped and what does not fit is cut off, on a character
            /// boundary. Never fails, because metadata must not fail a click.
            #[must_use]
            pub fn cut(text: &str) -> Self {
                Self(Cow::Owned(cut(text, Self::MAX)))
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self(Cow::Borrowed(""))
            }
        }
    };
    (@cut 1, $name:ident) => {};
}

text! {
    /// A customer of the host, if one installation serves several. It is opaque text of at most 64 bytes, and empty by
    /// default. Every unique key, counter and index entry begins with it.
    Tenant, 0..=64, shown
}
text! {
    /// The host's own id of a user: opaque text of 1 to 128 bytes, compared byte for byte.
    UserId, 1..=128, shown
}
text! {
    /// The host's own name for one request, such as `order 7 placed`: opaque text of 1 to 128 bytes. With it, a call that
    /// is made again counts once.
    RequestId, 1..=128, shown
}
text! {
    /// The kind of a host object that a link or a response is about, such as `product`.
    TargetKind, 1..=128, shown
}
text! {
    /// The host's own id of an object: opaque text of 1 to 128 bytes.
    TargetId, 1..=128, shown
}
text! {
    /// What an owner calls a link. It has at most 100 bytes and may be empty.
    Label, 0..=100, shown
}
text! {
    /// Where a link leads: a path of the site or an absolute URL that the redirect policy allows.
    Destination, 0..=2048, shown
}
text! {
    /// The page that a visitor came from, or as much of it as the host keeps.
    Referrer, 0..=2048, personal
}
text! {
    /// The URL that a visitor landed on, or as much of it as the host keeps.
    LandingUrl, 0..=2048, personal
}
text! {
    /// The user agent of a visitor's browser, or as much of it as the host keeps.
    Agent, 0..=512, personal
}
text! {
    /// A visitor's network address in the form that the host chose to keep: masked or hashed.
    Address, 0..=64, personal
}
text! {
    /// The name of what happened. `RESPONDED` is the click; every other name is the host's.
    Action, 1..=128, shown
}
text! {
    /// One part of a counter's key: an id as text, an action or a unit. It is empty if there is none.
    KeyPart, 0..=255, shown
}

impl Action {
    /// A visitor came through a link.
    pub const RESPONDED: Self = Self(Cow::Borrowed("RESPONDED"));
}

impl KeyPart {
    /// The part that stands where there is none.
    pub const NONE: Self = Self(Cow::Borrowed(""));
}

impl From<&UserId> for KeyPart {
    fn from(user: &UserId) -> Self {
        Self(user.0.clone())
    }
}

impl From<&Action> for KeyPart {
    fn from(action: &Action) -> Self {
        Self(action.0.clone())
    }
}

/// The object of the host's that a link or a response is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Target {
    /// The kind of object.
    pub kind: TargetKind,
    /// The id of the object.
    pub id: TargetId,
}

impl Target {
    /// Names an object of the host's.
    ///
    /// # Errors
    /// A part that is empty, has more than 128 bytes or holds a NUL.
    pub fn new(
        kind: impl Into<Cow<'static, str>>,
        id: impl Into<Cow<'static, str>>,
    ) -> Result<Self, TextError> {
        Ok(Self { kind: TargetKind::new(kind)?, id: TargetId::new(id)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_text_that_does_not_fit_is_a_typed_error() {
        assert_eq!(
            Label::new("x".repeat(101)),
            Err(TextError::TooLong { what: "Label", bytes: 101, max: 100 })
        );
        assert_eq!(UserId::new(""), Err(TextError::Empty { what: "UserId" }));
        assert_eq!(UserId::new("a\0b"), Err(TextError::Nul { what: "UserId" }));
    }

    /// PB13: a Referer of over 1024 characters failed the click.
    #[test]
    fn pb13_visitor_text_is_cut_on_a_character_boundary_and_never_fails() {
        let cut = Agent::cut(&"é".repeat(400));
        assert_eq!(cut.as_str().len(), 512);
        assert_eq!(Agent::cut(&format!("a{}", "é".repeat(400))).as_str().len(), 511);
        assert_eq!(Referrer::cut("a\0b").as_str(), "ab");
    }

    #[test]
    fn personal_text_does_not_show_in_debug() {
        assert_eq!(format!("{:?}", Agent::cut("Mozilla")), "Agent([7 bytes])");
    }
}
