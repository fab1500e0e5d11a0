//! Both shops keep the same promises.

use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn order(number: &str, user: Option<&str>, millis: i64) -> Order {
    Order {
        number: number.into(),
        user: user.map(Into::into),
        amount: 500,
        currency: "EUR".into(),
        refunded: 0,
        at: at(millis),
    }
}

async fn walk(shop: &dyn Shop) {
    let ada = User { name: "Ada".into(), since: at(1) };
    assert!(shop.add_user(&ada).await.unwrap());
    assert!(!shop.add_user(&User { name: "aDA".into(), since: at(2) }).await.unwrap());
    assert_eq!(shop.user("ADA").await.unwrap(), Some(ada.clone()));
    assert_eq!(shop.user("bob").await.unwrap(), None);

    let id = "digest".to_owned();
    shop.open_session(&id, "Ada", at(100)).await.unwrap();
    assert_eq!(shop.session(&id, at(99)).await.unwrap(), Some(ada));
    assert_eq!(shop.session(&id, at(100)).await.unwrap(), None);
    shop.close_session(&id).await.unwrap();
    assert_eq!(shop.session(&id, at(99)).await.unwrap(), None);

    let first = order("A1", Some("Ada"), 10);
    assert_eq!(shop.place(&first).await.unwrap(), Placed::New);
    assert_eq!(shop.place(&order("A1", Some("Ada"), 11)).await.unwrap(), Placed::Before(first.clone()));
    assert_eq!(shop.place(&order("A1", None, 11)).await.unwrap(), Placed::Different);
    assert_eq!(shop.place(&order("A2", Some("Ada"), 20)).await.unwrap(), Placed::New);
    let numbers: Vec<_> = shop.orders("Ada", 9).await.unwrap().into_iter().map(|o| o.number).collect();
    assert_eq!(numbers, ["A2", "A1"]);

    assert_eq!(shop.refund("A1", "bob", None).await.unwrap(), Refunded::Unknown);
    assert_eq!(shop.refund("A1", "Ada", Some(501)).await.unwrap(), Refunded::TooMuch { left: 500 });
    assert_eq!(shop.refund("A1", "Ada", Some(-1)).await.unwrap(), Refunded::TooMuch { left: 500 });
    let part = Order { refunded: 200, ..first };
    assert_eq!(shop.refund("A1", "Ada", Some(200)).await.unwrap(), Refunded::Done(part));
    assert!(matches!(shop.refund("A1", "Ada", None).await.unwrap(), Refunded::Done(o) if o.left() == 0));
    assert_eq!(shop.refund("A1", "Ada", None).await.unwrap(), Refunded::TooMuch { left: 0 });
    assert_eq!(shop.order("A1").await.unwrap().map(|o| o.refunded), Some(500));
}

#[tokio::test]
async fn both_shops_keep_users_sessions_and_orders_alike() {
    walk(&Memory::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    walk(&Sqlite::open(&path).await.unwrap()).await;
    // What is written is there after a restart.
    let again = Sqlite::open(&path).await.unwrap();
    assert!(again.user("ada").await.unwrap().is_some());
}
