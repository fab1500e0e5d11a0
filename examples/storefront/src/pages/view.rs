//! Links, responses and orders as pages and JSON show them.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use referral_core::link::DeadCode;
use referral_core::visit::{Statistics, Tags};
use referral_core::{Action, Flags, Link, Referrals, Response, Status, Target, Timestamp, VisitorId};
use serde::Serialize;

use crate::actions;
use crate::catalogue::{money, product};
use crate::shop::Order;

/// A link of the user's.
#[derive(Serialize, Debug)]
pub(crate) struct LinkView {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) url: String,
    pub(crate) label: String,
    pub(crate) redirect_to: String,
    /// The page behind `redirect_to`, in words.
    pub(crate) leads_to: String,
    /// `active`, `disabled`, `archived`, `expired` or `used-up`.
    pub(crate) status: &'static str,
    /// Counts its changes; a form says which it saw.
    pub(crate) version: i64,
    /// Clicks that count.
    pub(crate) response_count: i64,
    /// Everything that happened through it.
    pub(crate) actions: Vec<ActionView>,
    /// How much of it does not count.
    pub(crate) flagged: i64,
    pub(crate) created_at: String,
    #[serde(skip)]
    pub(crate) mailto: String,
}

/// How often something happened through a link.
#[derive(Serialize, Debug)]
pub(crate) struct ActionView {
    pub(crate) action: String,
    pub(crate) action_display: String,
    pub(crate) counted: i64,
    pub(crate) flagged: i64,
    /// How many of the counted ones came from a browser that had not been here.
    pub(crate) new_visitors: i64,
}

impl LinkView {
    pub(crate) fn new(
        referrals: &Referrals,
        link: &Link,
        dead: Option<DeadCode>,
        statistics: &Statistics,
    ) -> Self {
        let url = referrals.links().url(link);
        let actions: Vec<_> = statistics
            .actions
            .iter()
            .map(|(action, numbers)| ActionView {
                action: action.as_str().to_owned(),
                action_display: referrals.responses().action_display(action).to_owned(),
                counted: numbers.counted,
                flagged: numbers.flagged,
                new_visitors: numbers.new_visitors,
            })
            .collect();
        Self {
            id: link.id.to_string(),
            code: link.code.to_string(),
            mailto: mailto(&url),
            url,
            label: link.label.as_str().to_owned(),
            redirect_to: link.destination.as_str().to_owned(),
            leads_to: leads_to(link.destination.as_str()),
            status: match link.status {
                Status::Active if dead == Some(DeadCode::Expired) => "expired",
                Status::Active if dead.is_some() => "used-up",
                Status::Active => "active",
                Status::Disabled => "disabled",
                Status::Archived => "archived",
            },
            version: link.version.get(),
            response_count: statistics.responses(),
            flagged: actions.iter().map(|count| count.flagged).sum(),
            actions,
            created_at: at(link.created_at),
        }
    }

    /// What happened after the click, in the order in which it usually does.
    pub(crate) fn later_counts(&self) -> Vec<&ActionView> {
        let later = |count: &&ActionView| count.action != Action::RESPONDED.as_str() && count.counted > 0;
        let mut later: Vec<_> = self.actions.iter().filter(later).collect();
        later.sort_by_key(|count| actions::DISPLAY.iter().position(|(action, _)| *action == count.action));
        later
    }
}

fn leads_to(destination: &str) -> String {
    match (destination, destination.strip_prefix("/products/").and_then(product)) {
        ("/", _) => "The whole shop".to_owned(),
        (_, Some(product)) => product.name.to_owned(),
        (path, None) => path.to_owned(),
    }
}

fn mailto(url: &str) -> String {
    let text = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let body = format!("I thought you might like this:\n\n{url}\n");
    format!("mailto:?subject={}&body={}", text("Have a look at Kettle & Wren"), text(&body))
}

/// Something that somebody did through a link of the user's.
#[derive(Serialize, Debug)]
pub(crate) struct ResponseView {
    pub(crate) id: String,
    /// The link, by its id, its code and its label.
    pub(crate) link: String,
    pub(crate) code: String,
    pub(crate) label: String,
    pub(crate) action: String,
    pub(crate) action_display: String,
    pub(crate) target: Option<TargetView>,
    #[serde(skip)]
    pub(crate) target_display: Option<String>,
    /// A short name for the visitor, the same for everything of this visitor. It opens nothing.
    pub(crate) visitor: Option<String>,
    pub(crate) user: Option<String>,
    /// Since when the user has an account. If it is older than the click, the link did not bring them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_at: Option<String>,
    #[serde(skip)]
    pub(crate) had_account: bool,
    /// What the link carried besides, such as `utm_source`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) at: String,
    #[serde(skip)]
    pub(crate) at_display: String,
    pub(crate) flags: Vec<&'static str>,
    pub(crate) counted: bool,
    /// Why it does not count.
    pub(crate) reason: Option<String>,
}

/// What a response is about.
#[derive(Serialize, Debug)]
pub(crate) struct TargetView {
    pub(crate) kind: String,
    pub(crate) id: String,
}

impl ResponseView {
    pub(crate) fn new(referrals: &Referrals, response: &Response, link: Option<&Link>) -> Self {
        let text = |text: &str| text.to_owned();
        let tags = response.tags.iter().flat_map(Tags::iter);
        Self {
            id: response.id.to_string(),
            link: response.link.to_string(),
            code: link.map(|link| link.code.to_string()).unwrap_or_default(),
            label: link.map(|link| text(link.label.as_str())).unwrap_or_default(),
            action: text(response.action.as_str()),
            action_display: text(referrals.responses().action_display(&response.action)),
            // What a friend bought is the friend's: the number of an order opens it.
            target: response
                .target
                .as_ref()
                .filter(|target| target.kind.as_str() != "order")
                .map(|target| TargetView { kind: text(target.kind.as_str()), id: text(target.id.as_str()) }),
            target_display: response.target.as_ref().and_then(about),
            visitor: response.visitor.map(short),
            user: response.user.as_ref().map(|user| text(user.as_str())),
            account_at: response.account_at.map(at),
            had_account: response.action == Action::RESPONDED
                && response.account_at.is_some_and(|since| since < response.created_at),
            tags: tags.map(|(name, value)| (text(name), text(value))).collect(),
            at: at(response.created_at),
            at_display: at_display(response.created_at),
            flags: response.flags.names().collect(),
            counted: response.counted,
            reason: reason(response.flags),
        }
    }
}

/// The end of a visitor's id, which is its random part: enough to tell visitors apart by eye.
fn short(visitor: VisitorId) -> String {
    let id = visitor.as_uuid().simple().to_string();
    format!("v-{}", id.get(24..).unwrap_or_default())
}

/// What a response is about, where an owner may know it: the product, but no order of somebody else's.
fn about(target: &Target) -> Option<String> {
    let found = (target.kind.as_str() == "product").then(|| product(target.id.as_str()))?;
    found.map(|product| product.name.to_owned())
}

/// Why a response does not count, for the owner of the link.
fn reason(flags: Flags) -> Option<String> {
    let reasons = [
        (Flags::OWN_LINK, "It was your own visit."),
        (Flags::BOT, "It looks like a program, not a person."),
        (Flags::SPECULATIVE, "A browser loaded it ahead; nobody looked."),
        (Flags::DUPLICATE, "The same visitor came through this link within the hour."),
        (Flags::SUSPECT, "The shop’s own checks hold it back."),
    ];
    let said: Vec<_> =
        reasons.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, why)| why).collect();
    if said.is_empty() && !flags.is_empty() {
        return Some("The shop does not count it.".to_owned());
    }
    (!said.is_empty()).then(|| said.join(" "))
}

/// An order of the user's.
#[derive(Serialize, Debug, Clone)]
pub(crate) struct OrderView {
    pub(crate) order: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) refunded: i64,
    pub(crate) at: String,
    #[serde(skip)]
    pub(crate) at_display: String,
    #[serde(skip)]
    pub(crate) display: String,
    #[serde(skip)]
    pub(crate) refunded_display: String,
}

impl From<&Order> for OrderView {
    fn from(order: &Order) -> Self {
        Self {
            order: order.number.clone(),
            amount: order.amount,
            currency: order.currency.clone(),
            refunded: order.refunded,
            at: at(order.at),
            at_display: at_display(order.at),
            display: money(order.amount, &order.currency),
            refunded_display: money(order.refunded, &order.currency),
        }
    }
}

/// RFC 3339 in UTC.
fn at(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.as_millis()).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// As people read it; the page cannot know their time zone.
fn at_display(moment: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or_default();
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_a_reason_that_a_person_understands() {
        assert_eq!(reason(Flags::NONE), None);
        assert_eq!(reason(Flags::OWN_LINK).as_deref(), Some("It was your own visit."));
        assert!(reason(Flags::BOT.with(Flags::DUPLICATE)).unwrap().contains("within the hour"));
        // A flag that this shop does not know yet.
        assert!(reason(Flags::from_bits(1 << 20)).is_some());
    }

    #[test]
    fn times_are_rfc_3339_for_programs_and_words_for_people() {
        let moment = Timestamp::from_millis(1_750_000_000_120);
        assert_eq!(at(moment), "2025-06-15T15:06:40.120Z");
        assert_eq!(at_display(moment), "15 Jun 2025, 15:06 UTC");
    }
}
