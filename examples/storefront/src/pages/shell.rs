//! What every page has around it.

use serde::Serialize;

/// What every page has around it.
#[derive(Serialize, Clone, Debug, Default)]
pub(crate) struct Shell {
    /// Who is signed in.
    pub(crate) user: Option<String>,
    /// Whose link brought a visitor who is not signed in.
    pub(crate) invited_by: Option<String>,
    /// What just happened.
    #[serde(skip)]
    pub(crate) notice: Option<&'static str>,
}

impl Shell {
    pub(super) fn initial(&self) -> String {
        self.user.as_deref().map(initial).unwrap_or_default()
    }
}

/// The first letter of a name, for the round face beside it.
pub(crate) fn initial(name: &str) -> String {
    name.chars().take(1).collect()
}

/// What just happened, by the word that the redirect after a form carries. A closed list: whoever writes a link to
/// this shop cannot put words of their own into it.
pub(crate) fn notice(word: &str) -> Option<&'static str> {
    Some(match word {
        "welcome" => "Welcome! You have an account. Take a link and pass it on.",
        "hello" => "Good to see you again.",
        "bye" => "You are signed out.",
        "made" => "Your link is ready. Copy it, or share it.",
        "had" => "You had that link already: here it is.",
        "saved" => "Saved.",
        "off" => "The link is switched off. It leads to the shop and counts nothing.",
        "on" => "The link works again.",
        "refunded" => "The order is sent back.",
        _ => return None,
    })
}
