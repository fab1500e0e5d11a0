//! What the tests of this crate share: the stores, the loads, and the lines in which they say what they saw.
