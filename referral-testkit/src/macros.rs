//! The assertions of this crate. They hide those of the standard library, whose failures name a left and a right side:
//! here the first value is what came, and the second what was expected. In a backtrace they stand where they are used.

#[collapse_debuginfo(yes)]
macro_rules! assert_eq {
    ($came:expr, $expected:expr $(,)?) => {
        assert_eq!($came, $expected, "`{}` is not what was expected", stringify!($came))
    };
    ($came:expr, $expected:expr, $($words:tt)+) => {
        match (&$came, &$expected) {
            (came, expected) => {
                if !(*came == *expected) {
                    $crate::words::differ(&format!($($words)+), &came, &expected);
                }
            }
        }
    };
}

#[collapse_debuginfo(yes)]
macro_rules! assert {
    ($holds:expr $(,)?) => {
        assert!($holds, "this should hold, and does not: `{}`", stringify!($holds))
    };
    ($holds:expr, $($words:tt)+) => {
        ::std::assert!($holds, $($words)+)
    };
}
