//! Every error is a problem: which one, and what the caller is told.

use referral_core::link::{GeneratorError, LinkRefusal};
use referral_core::store::{StoreError, StoreErrorKind};
use referral_core::visit::VisitRefusal;
use referral_core::{Code, Error, Refused, UserId};
use referral_tower::Problem;

use crate::common::*;

fn store(kind: StoreErrorKind) -> Error {
    StoreError::new(kind, "test", "test", "the password is swordfish").into()
}

#[tokio::test]
async fn an_error_is_the_problem_of_its_kind_and_detail() {
    let code = Code::new("spring").unwrap();
    let site = Site::new();
    let link = site.link("spring", "/sale").await.id;
    let cases: [(Error, u16, &str, Option<&str>); 15] = [
        (LinkRefusal::CodeTaken { code }.into(), 409, "code-taken", Some("the code spring is taken")),
        (LinkRefusal::Exists { link }.into(), 409, "exists", Some("such a link exists already")),
        (LinkRefusal::Archived.into(), 409, "archived", Some("the link is archived")),
        (LinkRefusal::NotFound.into(), 404, "not-found", None),
        (LinkRefusal::Loop.into(), 422, "bad-input", Some("a link cannot lead to a link")),
        (LinkRefusal::CodesExhausted { attempts: 10 }.into(), 503, "unavailable", None),
        (VisitRefusal::Nobody.into(), 422, "bad-input", Some("there is neither a visitor nor a user")),
        (VisitRefusal::Exhausted.into(), 409, "conflict", Some("the link was used as often as it may be")),
        (Refused { reason: "on the blacklist".into() }.into(), 403, "refused", None),
        (GeneratorError::new("broken").into(), 500, "internal", None),
        (store(StoreErrorKind::Unavailable), 503, "unavailable", None),
        (store(StoreErrorKind::Contended), 503, "unavailable", None),
        (store(StoreErrorKind::UnknownOutcome), 503, "unavailable", None),
        (store(StoreErrorKind::Invalid), 500, "internal", None),
        (store(StoreErrorKind::Corrupt), 500, "internal", None),
    ];
    for (error, status, kind, detail) in cases {
        let shown = format!("{error:?}");
        let problem = Problem::from(error);
        assert_eq!(
            (problem.status().as_u16(), problem.kind(), problem.detail()),
            (status, kind, detail),
            "{shown}"
        );
        let response = problem.to_response();
        assert!(!response.body().contains("swordfish") && !response.body().contains("blacklist"), "{shown}");
        assert_eq!(response.headers().contains_key("retry-after"), status == 503, "{shown}");
        assert!(std::error::Error::source(&problem).is_some(), "{shown}");
    }
}

#[test]
fn a_detail_is_told_once() {
    let problem = Problem::from(UserId::new("").unwrap_err());
    let detail = problem.detail().unwrap();
    let words = detail.split(": ").collect::<std::collections::BTreeSet<_>>();
    assert_eq!(words.len(), detail.split(": ").count(), "{detail}");
}
