//! The one list of cases, from which the tests, the registry and the table of the documentation are made.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;

use crate::cx::Cx;

/// Gives the list of cases to a macro: `for_each_case!([callback] { context })` becomes
/// `callback! { { context } group: case, case; group: … }`.
///
/// The names are public: one more is announced under "Conformance" in the changelog, because a store may newly
/// fail, and taking one away is a breaking release.
#[macro_export]
macro_rules! for_each_case {
    ([$($callback:tt)+] { $($context:tt)* }) => {
        $($callback)+! {
            { $($context)* }
            records:
                every_kind_comes_back_with_every_field,
                every_kind_comes_back_with_no_optional_field,
                every_kind_comes_back_without_each_optional_field,
                empty_texts_are_not_absent_ones,
                the_longest_texts_come_back_whole,
                strange_texts_come_back_byte_for_byte,
                extreme_numbers_come_back,
                an_insert_is_stored_as_version_one,
                an_insert_of_a_known_id_is_stale_and_changes_nothing,
                an_update_replaces_the_whole_record,
                an_update_can_change_every_field_of_every_kind,
                an_update_keeps_tenant_and_creation_time,
                an_update_at_another_version_is_stale_and_changes_nothing,
                an_update_of_nothing_is_stale,
                a_delete_removes_the_record_from_everywhere,
                a_delete_at_another_version_or_of_nothing_is_stale,
                a_deleted_id_may_be_inserted_again_as_version_one,
                an_expectation_that_holds_writes_nothing,
                an_expectation_that_does_not_hold_is_stale,
                kinds_do_not_share_ids,
                references_are_not_checked;
            unique:
                a_taken_key_is_refused_and_names_its_holder,
                the_named_holder_holds_the_named_key,
                an_update_may_keep_its_keys,
                an_update_releases_and_takes_keys,
                an_update_to_a_taken_key_is_refused_and_keeps_the_old_one,
                an_update_takes_keys_in_the_stored_tenant,
                a_delete_releases_its_keys,
                a_key_moves_between_two_records_in_one_changeset,
                a_key_must_be_released_before_it_is_taken,
                absent_parts_hold_nothing,
                tenants_do_not_share_keys,
                an_exact_code_differs_by_case_and_a_folded_one_does_not,
                two_exact_codes_may_fold_alike,
                keys_are_equal_only_byte_for_byte,
                an_insert_made_twice_is_stale_and_not_taken_by_itself,
                a_failed_changeset_takes_and_releases_no_key,
                equal_keys_within_a_changeset_conflict;
            changesets:
                all_of_it_is_applied_or_none,
                the_first_failing_change_is_reported,
                changes_are_applied_in_order,
                a_conflict_leaves_its_neighbours_alone,
                answers_come_in_the_order_of_the_batch,
                a_later_changeset_sees_the_earlier_ones,
                a_later_changeset_sees_nothing_of_a_failed_one,
                a_batch_may_write_a_record_again_and_again,
                equal_inserts_in_a_batch_have_one_winner,
                an_empty_changeset_is_applied,
                an_empty_batch_has_no_answers,
                every_broken_rule_is_invalid_and_writes_nothing,
                an_invalid_changeset_leaves_its_neighbours_alone,
                the_largest_changeset_is_applied,
                the_heaviest_changeset_is_applied,
                a_batch_larger_than_the_store_likes_is_answered_whole,
                a_changeset_made_twice_is_refused_by_its_witness;
            patches:
                a_patch_sets_its_columns_and_the_next_version,
                every_column_that_may_be_patched_is_set,
                a_patch_sets_columns_to_null,
                a_patch_changes_all_or_none,
                a_patch_at_another_version_is_stale_and_changes_nothing,
                an_absent_record_is_not_patched,
                the_first_that_is_not_as_expected_is_named,
                a_patch_moves_the_index_entries,
                a_patched_record_keeps_its_unique_keys,
                a_patch_changes_no_other_column_and_no_other_record,
                a_thousand_records_are_patched_at_once,
                a_patch_is_a_witness_for_what_is_counted,
                a_changeset_may_hold_several_patches,
                two_patches_in_a_batch_have_one_winner,
                every_patch_that_breaks_a_rule_is_invalid;
            counters:
                an_absent_counter_is_zero,
                both_bounds_are_inside,
                the_bounds_test_the_sum,
                a_refused_count_names_the_value_before,
                equal_bounds_compare_and_set,
                a_count_never_overflows_upwards,
                a_count_never_overflows_downwards,
                a_count_may_go_below_zero,
                zero_is_not_listed,
                tallies_add_up_and_never_conflict,
                a_tally_made_twice_in_a_changeset_counts_twice,
                a_tally_stays_at_the_end_of_its_range,
                a_conflict_takes_counts_and_tallies_back,
                counts_of_a_batch_are_decided_one_after_another,
                tallies_of_a_batch_add_up,
                numbers_come_in_the_order_of_their_keys,
                buckets_are_ordered_also_below_zero,
                a_range_of_buckets_is_half_open,
                a_prefix_gives_only_its_own_numbers,
                the_next_page_begins_behind_its_key,
                the_limit_is_kept,
                tenants_and_families_do_not_share_numbers,
                key_parts_are_equal_only_byte_for_byte,
                the_longest_key_parts_are_kept_apart,
                parts_that_hold_separators_are_kept_apart,
                a_read_that_asks_for_too_much_is_invalid;
            pages:
                every_index_gives_its_records_in_both_directions,
                equal_times_are_ordered_by_id,
                extreme_times_are_ordered,
                ranges_are_half_open,
                a_page_goes_on_behind_the_last_one,
                a_page_goes_on_behind_a_record_that_is_gone,
                the_limit_is_kept,
                a_prefix_gives_only_its_own_records,
                text_prefixes_are_equal_only_byte_for_byte,
                parts_that_hold_separators_are_kept_apart,
                ids_that_end_in_zeros_or_ones_are_ids_like_any_other,
                tenants_do_not_see_each_other,
                an_unknown_prefix_is_an_empty_page,
                a_prefix_that_does_not_fit_is_invalid,
                a_part_that_no_record_can_have_is_invalid,
                an_update_moves_the_entry,
                an_entry_goes_when_its_part_does,
                a_page_holds_a_thousand_records,
                reading_begins_anywhere_in_a_large_prefix,
                pages_make_up_the_whole_while_others_insert;
            points:
                answers_come_in_the_order_asked,
                what_is_missing_is_missing_at_its_place,
                a_point_asked_for_twice_is_answered_twice,
                nothing_asked_is_nothing_answered,
                an_id_of_another_kind_is_not_found,
                a_thousand_points_are_answered,
                more_than_a_thousand_points_are_invalid,
                a_key_that_no_record_can_hold_is_invalid;
            keys:
                the_longest_unique_keys_are_kept_apart,
                the_longest_prefixes_are_kept_apart,
                the_longest_numbers_are_kept_apart;
            races:
                a_code_has_one_winner,
                a_natural_key_has_one_winner,
                an_id_has_one_winner,
                a_version_has_one_winner,
                patches_of_one_record_have_one_winner,
                patches_updates_and_deletes_of_one_record_have_one_winner,
                a_counter_never_passes_its_bound,
                counts_are_exact,
                tallies_are_exact,
                a_compare_and_set_has_one_winner,
                an_expectation_holds_until_the_commit,
                a_key_that_is_handed_over_always_has_one_holder,
                crossing_changesets_do_not_block_each_other,
                crossing_batches_do_not_block_each_other,
                an_acknowledged_write_is_read_at_once,
                a_retried_changeset_is_applied_once,
                of_two_handles_one_wins,
                two_handles_count_together;
            durability:
                a_reopened_store_keeps_its_records,
                a_reopened_store_keeps_its_keys_and_indexes,
                a_reopened_store_keeps_its_numbers,
                a_killed_process_keeps_what_it_acknowledged,
                the_facts_do_not_change;
            cancellation:
                a_dropped_commit_is_whole_or_absent,
                a_dropped_batch_leaves_each_changeset_whole_or_absent,
                a_dropped_patch_is_whole_or_absent,
                a_dropped_read_leaves_a_usable_store,
                a_dropped_verb_is_whole_or_absent,
                dropped_calls_leave_a_usable_store;
            facade:
                a_link_asked_for_by_many_at_once_is_made_once,
                a_code_chosen_by_many_at_once_makes_one_link,
                generated_codes_never_meet_and_run_out_as_a_typed_error,
                a_code_given_to_many_links_at_once_leads_to_one,
                responses_are_claimed_once_by_many_logins_of_one_user,
                responses_claimed_by_two_users_at_once_have_one_of_them,
                a_click_limit_is_reached_exactly_and_never_passed,
                statistics_are_what_the_pages_show,
                edits_made_at_once_are_all_applied,
                a_disabled_link_records_no_click_that_begins_later,
                tenants_have_codes_and_numbers_of_their_own;
            failures:
                a_refused_commit_stores_nothing,
                a_lost_answer_is_found_out,
                an_answer_that_stays_lost_is_said_to_be_unknown,
                a_failed_read_stores_nothing,
                visitors_who_try_again_are_counted_once,
                no_conflict_rests_on_what_was_not_written;
            model:
                random_changesets_are_answered_as_by_the_model,
                random_reads_are_answered_as_by_the_model;
        }
    };
}

/// One promise that the suite holds a store to.
#[derive(Clone, Copy)]
pub struct Case {
    /// The part of the contract that the case belongs to.
    pub group: &'static str,
    /// The promise as an identifier.
    pub name: &'static str,
    pub(crate) run: fn(Cx) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Case {
    /// The name of the test, `group::name`. It is unique.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}::{}", self.group, self.name)
    }

    /// The promise in words.
    #[must_use]
    pub fn promise(&self) -> String {
        self.name.replace('_', " ")
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id())
    }
}

macro_rules! list {
    ({} $($group:ident: $($case:ident),+;)+) => {
        vec![$($(Case {
            group: stringify!($group),
            name: stringify!($case),
            run: |cx| Box::pin($crate::cases::$group::$case(cx)),
        }),+),+]
    };
}

static REGISTRY: LazyLock<Vec<Case>> = LazyLock::new(|| for_each_case!([list] {}));

/// Every case, in the order of the list.
#[must_use]
pub fn registry() -> &'static [Case] {
    &REGISTRY
}

/// The case `group::name`.
#[must_use]
pub fn case(id: &str) -> Option<Case> {
    let (group, name) = id.split_once("::")?;
    registry().iter().copied().find(|case| case.group == group && case.name == name)
}

/// The list as a table in Markdown.
#[must_use]
pub fn markdown_table() -> String {
    let mut table = String::from("| Group | A store promises that |\n| --- | --- |\n");
    for case in registry() {
        table.push_str(&format!("| {} | {} |\n", case.group, case.promise()));
    }
    table
}
