//! A history that was printed is a test: it compiles as it is, an honest store passes it, and a broken one fails.

use std::panic::catch_unwind;

use referral_testkit::MemoryHarness;
use referral_testkit::broken::{BrokenHarness, Defect};

mod honest {
    use super::MemoryHarness as MyHarness;

    include!("replay/printed.rs");
}

#[test]
fn a_printed_test_fails_on_a_store_that_is_broken_there() {
    // Within a function it is no test of its own.
    #[allow(unnameable_test_items, reason = "it is called and not listed")]
    mod broken {
        use super::{BrokenHarness, Defect};

        #[allow(non_upper_case_globals, reason = "the name that stands in a printed test")]
        const MyHarness: BrokenHarness = BrokenHarness(Some(Defect::PlaceInByte));

        include!("replay/printed.rs");

        pub(super) fn printed() {
            a_history_of_every_step();
        }
    }

    let panic = catch_unwind(broken::printed).expect_err("the broken store fails");
    let said = panic.downcast_ref::<String>().expect("a text");
    assert!(said.contains("step 3: changeset 3 was answered"), "{said}");
}
