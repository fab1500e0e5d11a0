//! A request that a host sends twice, because the first answer was lost, counts once.

use axum::{Router, routing::post};
use referral_tower::{Problem, Visitor};

use crate::common::*;

/// Does what the first word says, under the name behind it.
async fn act(visitor: Visitor, body: String) -> Result<String, Problem> {
    let (verb, name) = body.split_once(' ').unwrap();
    let named = visitor.with_request(name.to_owned())?;
    let response = match verb {
        "record" => named.record("ORDERED", None).await?,
        "respond" => {
            let link = visitor.link().await?.unwrap();
            Some(named.respond(link.id, "ORDERED", None).await?)
        }
        _ => named.enter_code("spring").await?.response().cloned(),
    };
    // The name is the clone's; what the visitor itself does is another thing.
    assert_eq!(visitor.visit().request, None);
    Ok(response.unwrap().id.to_string())
}

#[tokio::test]
async fn a_named_request_gets_the_first_answer_and_counts_once() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let app: Router = Router::new().route("/act", post(act)).layer(site.layer.clone());
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    let mut inside = Browser::new(app);
    inside.cookies = browser.cookies.clone();
    for verb in ["record", "respond", "enter"] {
        let before = site.responses().await.len();
        let first = inside.post("/act", &format!("{verb} order 7 placed")).await;
        assert_eq!(first.status, 200, "{first:?}");
        let again = inside.post("/act", &format!("{verb} order 7 placed")).await;
        assert_eq!(again.body, first.body);
        assert_eq!(site.responses().await.len(), before + 1, "{verb}");
        assert_ne!(inside.post("/act", &format!("{verb} order 8 placed")).await.body, first.body);
    }
    inside.post("/act", "record ").await.is_problem(422, "bad-input");
    inside.post("/act", &format!("record {}", "x".repeat(129))).await.is_problem(422, "bad-input");
}
