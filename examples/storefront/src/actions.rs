//! What happens in this shop, and what people read of it.

pub(crate) const SIGNED_UP: &str = "SIGNED_UP";
pub(crate) const VIEWED_PRODUCT: &str = "VIEWED_PRODUCT";
pub(crate) const ORDERED: &str = "ORDERED";
pub(crate) const REFUNDED: &str = "REFUNDED";

/// In the order in which they usually happen.
pub(crate) const DISPLAY: [(&str, &str); 4] = [
    (VIEWED_PRODUCT, "Looked at a product"),
    (SIGNED_UP, "Signed up"),
    (ORDERED, "Ordered"),
    (REFUNDED, "Sent an order back"),
];
