//! The pages, one file for each part of the shop. A page is a struct that is both the template's data and the JSON.

pub(crate) mod account;
pub(crate) mod checkout;
pub(crate) mod home;
pub(crate) mod links;
pub(crate) mod me;
pub(crate) mod product;
mod shell;
pub(crate) mod tower_pages;
mod view;

pub(crate) use shell::{Shell, initial, notice};
