//! For stores that stand around another store.

/// Writes the reads of a store that stands around another one: all four, or those that it does not change. Use it inside
/// `impl Read for …`.
///
/// ```
/// # use referral_core::memory::MemoryStore;
/// # use referral_core::store::{CounterKey, CounterPrefix, CounterRange, Read, StoreError};
/// # use std::sync::atomic::{AtomicUsize, Ordering};
/// struct Plain {
///     store: MemoryStore,
/// }
///
/// impl Read for Plain {
///     referral_core::forward_reads!(store);
/// }
///
/// struct Counting {
///     store: MemoryStore,
///     reads: AtomicUsize,
/// }
///
/// #[async_trait::async_trait]
/// impl Read for Counting {
///     referral_core::forward_reads!(store: get, find, page);
///
///     async fn counters(
///         &self,
///         prefix: &CounterPrefix,
///         range: &CounterRange,
///     ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
///         self.reads.fetch_add(1, Ordering::Relaxed);
///         self.store.counters(prefix, range).await
///     }
/// }
/// ```
///
/// `forward_reads!(store after check)` calls `self.check()` first, which gives a `Result<(), StoreError>`. Its error is then
/// the answer.
#[macro_export]
macro_rules! forward_reads {
    ($store:ident) => {
        $crate::forward_reads!($store: get, find, page, counters);
    };
    ($store:ident after $check:ident) => {
        $crate::__forward_read!(get $store $check);
        $crate::__forward_read!(find $store $check);
        $crate::__forward_read!(page $store $check);
        $crate::__forward_read!(counters $store $check);
    };
    ($store:ident: $($read:ident),+ $(,)?) => {
        $($crate::__forward_read!($read $store);)+
    };
}

/// One read, in the form that `async_trait` gives it, which does not look into macros.
#[doc(hidden)]
#[macro_export]
macro_rules! __forward_read {
    (get $store:ident $($check:ident)?) => {
        $crate::__forward_read!(
            @ ['a] get(ids: &'a [$crate::store::RecordId]) -> ::std::vec::Vec<::std::option::Option<$crate::store::Record>>,
            $store $($check)?
        );
    };
    (find $store:ident $($check:ident)?) => {
        $crate::__forward_read!(
            @ ['a] find(keys: &'a [$crate::store::UniqueKey])
                -> ::std::vec::Vec<::std::option::Option<$crate::store::Record>>,
            $store $($check)?
        );
    };
    (page $store:ident $($check:ident)?) => {
        $crate::__forward_read!(
            @ ['a, 'b] page(
                index: $crate::store::Index,
                prefix: &'a $crate::store::Prefix,
                range: &'b $crate::store::Range,
                limit: u32
            ) -> ::std::vec::Vec<$crate::store::Record>,
            $store $($check)?
        );
    };
    (counters $store:ident $($check:ident)?) => {
        $crate::__forward_read!(
            @ ['a, 'b] counters(prefix: &'a $crate::store::CounterPrefix, range: &'b $crate::store::CounterRange)
                -> ::std::vec::Vec<($crate::store::CounterKey, i64)>,
            $store $($check)?
        );
    };
    (@ [$($life:lifetime),+] $read:ident($($name:ident: $type:ty),+) -> $answer:ty, $store:ident $($check:ident)?) => {
        fn $read<'s, $($life,)+ 'f>(
            &'s self,
            $($name: $type),+
        ) -> ::std::pin::Pin<
            ::std::boxed::Box<
                dyn ::std::future::Future<
                    Output = ::std::result::Result<$answer, $crate::store::StoreError>,
                > + ::std::marker::Send + 'f,
            >,
        >
        where
            's: 'f,
            $($life: 'f,)+
            Self: 'f,
        {
            $crate::__forward_read!(@body self $read($($name),+) $store $($check)?)
        }
    };
    (@body $self:ident $read:ident($($name:ident),+) $store:ident) => {
        $crate::store::Read::$read(&$self.$store, $($name),+)
    };
    (@body $self:ident $read:ident($($name:ident),+) $store:ident $check:ident) => {
        ::std::boxed::Box::pin(async move {
            $self.$check()?;
            $crate::store::Read::$read(&$self.$store, $($name),+).await
        })
    };
}
