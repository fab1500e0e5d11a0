//! What the shop pretends to sell.

use serde::Serialize;

/// One product.
#[derive(Serialize, Debug)]
pub(crate) struct Product {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// One line for the shelf.
    pub(crate) summary: &'static str,
    /// A paragraph for the product's own page.
    pub(crate) description: &'static str,
    /// In cents.
    pub(crate) amount: i64,
    pub(crate) currency: &'static str,
    /// An inline picture. It comes from this program and holds no script, so templates may write it unescaped.
    #[serde(skip)]
    pub(crate) art: &'static str,
}

impl Product {
    /// Where its page is.
    pub(crate) fn path(&self) -> String {
        format!("/products/{}", self.id)
    }

    /// The price as people write it.
    pub(crate) fn price(&self) -> String {
        money(self.amount, self.currency)
    }
}

macro_rules! product {
    ($id:literal, $art:literal, $name:literal, $amount:literal, $summary:literal, $description:literal) => {
        Product {
            id: $id,
            name: $name,
            summary: $summary,
            description: $description,
            amount: $amount,
            currency: "EUR",
            art: include_str!(concat!("../assets/art/", $art, ".svg")),
        }
    };
}

/// Everything on the shelf.
pub(crate) const PRODUCTS: &[Product] = &[
    product!(
        "1",
        "kettle",
        "Harbour kettle",
        6400,
        "Enamelled steel, whistles in D.",
        "A litre and a half of enamelled steel. The whistle is tuned to D, so that two kettles in one house \
         are a conversation and not an alarm."
    ),
    product!(
        "2",
        "mug",
        "Two-finger mug",
        1800,
        "Stoneware with a handle that fits.",
        "Thrown stoneware, glazed inside and out. The handle takes two fingers, gloves included, and the foot \
         leaves no ring."
    ),
    product!(
        "3",
        "lamp",
        "Early lamp",
        8900,
        "Warm light for the first hour.",
        "A desk lamp that begins dim and takes ten minutes to be bright, as mornings should. Two joints, one \
         switch, no app."
    ),
    product!(
        "4",
        "radio",
        "Kitchen radio",
        12900,
        "One dial, one speaker, flour-proof.",
        "Oiled beech, a paper speaker and a dial that you can turn with wet hands. It remembers one station: \
         yours."
    ),
    product!(
        "5",
        "pot",
        "Windowsill pot",
        2400,
        "Terracotta, with a rubber plant to start.",
        "Frost-proof terracotta with a saucer. It comes with a cutting of a rubber plant that has outlived \
         three landlords."
    ),
    product!(
        "6",
        "clock",
        "Late clock",
        4200,
        "Rings twice, politely.",
        "A wind-up alarm clock with two real bells. It rings once to tell you and once more to mean it."
    ),
    product!(
        "7",
        "basket",
        "Market basket",
        3800,
        "Willow, holds a week of breakfasts.",
        "Woven willow around an ash frame. Holds a loaf, a dozen eggs and the good intentions of a Saturday."
    ),
    product!(
        "8",
        "honey",
        "Roof honey",
        1400,
        "Lime blossom, from above the shop.",
        "Four hundred grams of lime-blossom honey from the two hives on our roof. The bees were not consulted \
         about the label."
    ),
];

/// The product of an id.
pub(crate) fn product(id: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.id == id)
}

/// An amount in cents as people write it.
pub(crate) fn money(cents: i64, currency: &str) -> String {
    let amount = format!("{}.{:02}", cents / 100, (cents % 100).abs());
    match currency {
        "EUR" => format!("€{amount}"),
        "USD" => format!("${amount}"),
        "GBP" => format!("£{amount}"),
        other => format!("{amount} {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_read_as_people_write_them() {
        assert_eq!(product("7").unwrap().price(), "€38.00");
        assert_eq!(money(1205, "CHF"), "12.05 CHF");
        assert!(product("99").is_none());
    }
}
