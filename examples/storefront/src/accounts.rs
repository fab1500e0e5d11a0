//! Signing up: where a visitor becomes a user, and every link they came through learns who they are.

use referral_core::{Error, Timestamp, UserId};
use referral_tower::Visitor;

use crate::actions;
use crate::app::App;
use crate::error_page::ErrorPage;
use crate::shop::{ShopError, User, sqlite};

/// Checks a name. Others read it, so it has only symbols that cannot be confused with the page around it.
pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("Choose a name.");
    }
    if name.len() > 64 {
        return Err("That is too long: a name has at most 64 characters, accented letters count double.");
    }
    let fits = |symbol: char| symbol.is_alphanumeric() || "._-@+".contains(symbol);
    if !name.chars().all(fits) {
        return Err("A name has letters, digits and . _ - @ + only; no spaces and no pictures.");
    }
    Ok(())
}

/// What sign-up made.
pub(crate) struct Joined {
    pub(crate) user: User,
    /// How many earlier responses turned out to be this user's.
    pub(crate) claimed: usize,
}

/// Makes an account, tells the referrals that the visitor is its user, and records the sign-up. `None` if the name
/// is taken.
pub(crate) async fn sign_up(
    app: &App,
    visitor: &Visitor,
    name: &str,
    code: Option<&str>,
) -> Result<Option<Joined>, ErrorPage> {
    let user = User { name: name.to_owned(), since: app.now() };
    let Some(store) = &app.sqlite else {
        // In memory nothing can fail between two steps.
        if !app.shop.add_user(&user).await? {
            return Ok(None);
        }
        let claimed = introduce(visitor, name, user.since, code).await?;
        return Ok(Some(Joined { user, claimed }));
    };

    // One transaction for the account and for who brought it: either both are there afterwards, or neither.
    let mut transaction = store.begin().await.map_err(Error::from)?;
    if !sqlite::add_user(&mut transaction, &user).await? {
        return Ok(None);
    }
    let joined = store.join(transaction);
    let scope = app.referrals.within(joined.clone());
    let inside = visitor.within(&scope);
    let claimed = introduce(&inside, name, user.since, code).await?;
    let effects = scope.into_effects();
    let transaction = joined.release().await.map_err(Error::from)?;
    transaction.commit().await.map_err(ShopError::from)?;
    app.referrals.committed(effects).await;
    inside.committed();
    Ok(Some(Joined { user, claimed }))
}

/// Tells the referrals who the visitor is.
async fn introduce(
    visitor: &Visitor,
    name: &str,
    since: Timestamp,
    code: Option<&str>,
) -> Result<usize, ErrorPage> {
    // The code comes first. It is a touch of the visitor's, and becomes the user's with the others.
    if let Some(code) = code {
        visitor.enter_code(code).await?;
    }
    let id = UserId::new(name.to_owned()).map_err(Error::from)?;
    let identified = visitor.identify_since(id, since).await?;
    // An account is made once, so its sign-up counts once, also if the form is sent again.
    let request = format!("account {name} made");
    visitor.with_request(request).map_err(Error::from)?.record(actions::SIGNED_UP, None).await?;
    Ok(identified.map_or(0, |identified| identified.claimed.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_and_digits_of_any_script() {
        for good in ["ada", "Zoë", "grace.hopper", "иван", "a@b.example", "x+1", "7"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "🦀", "<b>", "a/b", "a\u{202e}b", "a\u{0}b", &"x".repeat(65), &"é".repeat(33)]
        {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
