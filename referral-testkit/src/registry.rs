//! The one list of cases, from which the tests, the registry and the table of the documentation are made.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;

use crate::cx::Cx;

/// Gives the list of cases to a macro: `for_each_case!([callback] { context })` becomes
/// `callback! { { context } group: case [rule, rule], case [rule]; group: … }`.
///
/// The names are public: one more is announced under "Conformance" in the changelog, because a store may newly
/// fail, and taking one away is a breaking release.
#[macro_export]
macro_rules! for_each_case {
    ([$($callback:tt)+] { $($context:tt)* }) => {
        $($callback)+! {
            { $($context)* }
            records:
                every_kind_comes_back_with_every_field [6.1],
                every_kind_comes_back_with_no_optional_field [6.1],
                every_kind_comes_back_without_each_optional_field [6.1],
                empty_texts_are_not_absent_ones [6.1],
                the_longest_texts_come_back_whole [6.1],
                strange_texts_come_back_byte_for_byte [6.1],
                extreme_numbers_come_back [6.1],
                an_insert_is_stored_as_version_one [2.2],
                an_insert_of_a_known_id_is_stale_and_changes_nothing [2.3],
                an_update_replaces_the_whole_record [2.5],
                an_update_can_change_every_field_of_every_kind [2.5, 6.1],
                an_update_keeps_tenant_and_creation_time [2.6],
                an_update_at_another_version_is_stale_and_changes_nothing [2.5],
                an_update_of_nothing_is_stale [2.5],
                a_delete_removes_the_record_from_everywhere [2.7, 8.7],
                a_delete_at_another_version_or_of_nothing_is_stale [2.7],
                a_deleted_id_may_be_inserted_again_as_version_one [2.7],
                an_expectation_that_holds_writes_nothing [2.8],
                an_expectation_that_does_not_hold_is_stale [2.8],
                kinds_do_not_share_ids [6.3],
                references_are_not_checked [6.4],
                dates_and_limits_are_not_interpreted [6.4];
            unique:
                a_taken_key_is_refused_and_names_its_holder [2.4],
                the_named_holder_holds_the_named_key [2.4],
                an_update_may_keep_its_keys [2.5, 3.2],
                an_update_releases_and_takes_keys [2.5, 3.2],
                an_update_to_a_taken_key_is_refused_and_keeps_the_old_one [2.4, 1.3],
                an_update_takes_keys_in_the_stored_tenant [2.6, 3.1],
                a_delete_releases_its_keys [2.7, 3.2],
                a_key_moves_between_two_records_in_one_changeset [3.2],
                a_key_must_be_released_before_it_is_taken [3.2],
                absent_parts_hold_nothing [3.3],
                tenants_do_not_share_keys [6.3],
                an_exact_code_differs_by_case_and_a_folded_one_does_not [6.2],
                two_exact_codes_may_fold_alike [3.1],
                keys_are_equal_only_byte_for_byte [6.2],
                an_insert_made_twice_is_stale_and_not_taken_by_itself [2.3],
                a_failed_changeset_takes_and_releases_no_key [1.3, 3.2],
                equal_keys_within_a_changeset_conflict [3.1, 2.4];
            changesets:
                all_of_it_is_applied_or_none [1.3],
                the_first_failing_change_is_reported [2.1],
                changes_are_applied_in_order [1.3],
                a_conflict_leaves_its_neighbours_alone [1.6],
                answers_come_in_the_order_of_the_batch [1.1],
                a_later_changeset_sees_the_earlier_ones [1.2],
                a_later_changeset_sees_nothing_of_a_failed_one [1.2],
                a_batch_may_write_a_record_again_and_again [1.2],
                equal_inserts_in_a_batch_have_one_winner [1.2, 3.1],
                an_empty_changeset_is_applied [1.1],
                an_empty_batch_has_no_answers [1.1],
                every_broken_rule_is_invalid_and_writes_nothing [1.10, 5.3],
                an_invalid_changeset_leaves_its_neighbours_alone [1.6],
                the_largest_changeset_is_applied [1.10],
                the_heaviest_changeset_is_applied [1.10],
                a_batch_larger_than_the_store_likes_is_answered_whole [1.8],
                a_changeset_made_twice_is_refused_by_its_witness [4.6];
            patches:
                a_patch_sets_its_columns_and_the_next_version [2.9],
                every_column_that_may_be_patched_is_set [2.9, 6.1],
                a_patch_sets_columns_to_null [2.9],
                a_patch_changes_all_or_none [2.9],
                a_patch_at_another_version_is_stale_and_changes_nothing [2.9],
                an_absent_record_is_not_patched [2.9],
                the_first_that_is_not_as_expected_is_named [2.9],
                a_patch_moves_the_index_entries [2.10, 8.7],
                a_patched_record_keeps_its_unique_keys [2.10],
                a_patch_changes_no_other_column_and_no_other_record [2.10],
                a_thousand_records_are_patched_at_once [2.9, 1.10],
                a_patch_is_a_witness_for_what_is_counted [4.6],
                a_changeset_may_hold_several_patches [1.3, 2.9],
                two_patches_in_a_batch_have_one_winner [1.2, 2.9],
                every_patch_that_breaks_a_rule_is_invalid [1.10],
                a_patch_stores_texts_and_numbers_as_they_are [2.9, 6.1],
                a_patch_gives_to_users_of_any_name_at_any_time [2.9, 2.10, 6.1],
                patches_of_a_changeset_set_what_each_of_them_says [1.3, 2.9],
                a_later_changeset_of_the_batch_sees_a_patch [1.2, 2.9];
            counters:
                an_absent_counter_is_zero [4.1],
                both_bounds_are_inside [4.2],
                the_bounds_test_the_sum [4.2],
                a_refused_count_names_the_value_before [4.2],
                equal_bounds_compare_and_set [4.2],
                a_count_never_overflows_upwards [4.3],
                a_count_never_overflows_downwards [4.3],
                a_count_may_go_below_zero [4.2],
                zero_is_not_listed [4.1],
                tallies_add_up_and_never_conflict [4.4],
                a_tally_made_twice_in_a_changeset_counts_twice [4.5],
                a_tally_stays_at_the_end_of_its_range [4.4],
                a_conflict_takes_counts_and_tallies_back [4.5, 1.3],
                counts_of_a_batch_are_decided_one_after_another [4.2, 1.2],
                tallies_of_a_batch_add_up [4.5],
                numbers_come_in_the_order_of_their_keys [8.10],
                buckets_are_ordered_also_below_zero [8.10],
                a_range_of_buckets_is_half_open [8.10],
                a_prefix_gives_only_its_own_numbers [8.10],
                the_next_page_begins_behind_its_key [8.10],
                the_limit_is_kept [8.10],
                tenants_and_families_do_not_share_numbers [6.3],
                key_parts_are_equal_only_byte_for_byte [6.2],
                the_longest_key_parts_are_kept_apart [6.2],
                parts_that_hold_separators_are_kept_apart [6.2],
                a_read_that_asks_for_too_much_is_invalid [8.11],
                every_family_is_read_by_prefix_range_place_and_limit [8.10],
                parts_of_statistics_are_equal_only_byte_for_byte [6.2],
                reading_begins_anywhere_in_a_large_family [8.10],
                a_range_of_buckets_that_ends_before_it_begins_is_empty [8.10],
                a_read_goes_on_behind_a_key_outside_of_its_range [8.10];
            pages:
                every_index_gives_its_records_in_both_directions [8.8],
                equal_times_are_ordered_by_id [8.8],
                extreme_times_are_ordered [8.8],
                ranges_are_half_open [8.8],
                a_page_goes_on_behind_the_last_one [8.9],
                a_page_goes_on_behind_a_record_that_is_gone [8.9],
                the_limit_is_kept [8.8],
                a_prefix_gives_only_its_own_records [8.8, 8.4],
                text_prefixes_are_equal_only_byte_for_byte [6.2],
                parts_that_hold_separators_are_kept_apart [6.2],
                ids_that_end_in_zeros_or_ones_are_ids_like_any_other [6.2],
                tenants_do_not_see_each_other [6.3],
                an_unknown_prefix_is_an_empty_page [8.8],
                a_prefix_that_does_not_fit_is_invalid [8.11],
                a_part_that_no_record_can_have_is_invalid [8.11],
                an_update_moves_the_entry [8.7],
                an_entry_goes_when_its_part_does [8.7],
                a_page_holds_a_thousand_records [8.8],
                reading_begins_anywhere_in_a_large_prefix [8.9],
                pages_make_up_the_whole_while_others_insert [8.4],
                a_range_that_ends_before_it_begins_is_empty [8.8],
                a_page_goes_on_behind_a_place_outside_of_its_range [8.9];
            points:
                answers_come_in_the_order_asked [8.6],
                what_is_missing_is_missing_at_its_place [8.6],
                a_point_asked_for_twice_is_answered_twice [8.6],
                nothing_asked_is_nothing_answered [8.6],
                an_id_of_another_kind_is_not_found [8.6, 6.3],
                a_thousand_points_are_answered [8.6],
                more_than_a_thousand_points_are_invalid [8.11],
                a_key_that_no_record_can_hold_is_invalid [8.11];
            keys:
                the_longest_unique_keys_are_kept_apart [6.2],
                the_longest_prefixes_are_kept_apart [6.2],
                the_longest_numbers_are_kept_apart [6.2],
                unique_keys_that_differ_in_any_byte_are_kept_apart [6.2, 3.1],
                prefixes_that_differ_in_any_byte_are_kept_apart [6.2],
                numbers_that_differ_in_any_byte_are_kept_apart [6.2];
            races:
                a_code_has_one_winner [3.1, 5.1],
                a_natural_key_has_one_winner [3.1, 5.1],
                an_id_has_one_winner [2.3, 5.1],
                a_version_has_one_winner [2.5, 5.1],
                patches_of_one_record_have_one_winner [2.9, 5.1],
                patches_updates_and_deletes_of_one_record_have_one_winner [2.9, 2.5, 2.7],
                a_counter_never_passes_its_bound [4.2],
                counts_are_exact [4.5],
                tallies_are_exact [4.5],
                a_compare_and_set_has_one_winner [4.2],
                an_expectation_holds_until_the_commit [2.8],
                a_key_that_is_handed_over_always_has_one_holder [3.1, 3.2],
                crossing_changesets_do_not_block_each_other [5.2],
                crossing_batches_do_not_block_each_other [5.2],
                an_acknowledged_write_is_read_at_once [8.1],
                a_retried_changeset_is_applied_once [4.6],
                of_two_handles_one_wins [3.1, 1.9],
                two_handles_count_together [4.2, 4.5, 1.9];
            durability:
                a_reopened_store_keeps_its_records [1.5],
                a_reopened_store_keeps_its_keys_and_indexes [1.5, 8.7, 3.2],
                a_reopened_store_keeps_its_numbers [1.5],
                a_killed_process_keeps_what_it_acknowledged [1.5, 1.4],
                the_facts_do_not_change [9.3];
            cancellation:
                a_dropped_commit_is_whole_or_absent [7.1],
                a_dropped_batch_leaves_each_changeset_whole_or_absent [7.1],
                a_dropped_patch_is_whole_or_absent [7.1],
                a_dropped_read_leaves_a_usable_store [7.2],
                a_dropped_verb_is_whole_or_absent [7.1],
                dropped_calls_leave_a_usable_store [7.2];
            facade:
                a_link_asked_for_by_many_at_once_is_made_once [3.1],
                a_code_chosen_by_many_at_once_makes_one_link [3.1],
                generated_codes_never_meet_and_run_out_as_a_typed_error [3.1, 5.1],
                a_code_given_to_many_links_at_once_leads_to_one [3.1],
                responses_are_claimed_once_by_many_logins_of_one_user [2.9],
                responses_claimed_by_two_users_at_once_have_one_of_them [2.9],
                a_click_limit_is_reached_exactly_and_never_passed [4.2],
                statistics_are_what_the_pages_show [4.5],
                edits_made_at_once_are_all_applied [2.5],
                a_disabled_link_records_no_click_that_begins_later [8.1],
                tenants_have_codes_and_numbers_of_their_own [6.3];
            pairs:
                two_changes_made_one_after_another_are_answered_as_by_the_model [1.2, 2.1, 2.3, 2.4, 2.5, 2.7, 2.8, 2.9, 3.2, 4.2],
                two_changes_made_on_two_handles_are_answered_as_by_the_model [1.9, 8.2],
                two_changes_of_one_changeset_are_answered_as_by_the_model [1.3, 1.10, 2.1, 3.2],
                two_changes_of_one_batch_are_answered_as_by_the_model [1.2, 1.6],
                two_changes_made_at_once_have_a_serial_order [1.9, 2.5, 2.7, 2.9, 3.1, 4.2, 4.5, 5.1],
                two_changes_made_at_once_on_two_handles_have_a_serial_order [1.9, 3.1, 4.2, 5.1],
                two_changesets_that_cross_have_a_serial_order [1.3, 1.9, 2.8],
                two_changesets_that_cross_on_two_handles_have_a_serial_order [1.3, 1.9, 2.8],
                two_batches_made_at_once_have_a_serial_order [1.2, 1.9, 4.2, 4.5],
                two_batches_made_at_once_on_two_handles_have_a_serial_order [1.2, 1.9, 4.2, 4.5];
            histories:
                the_answers_of_many_callers_have_a_serial_order [1.9, 8.1, 8.3],
                the_answers_on_two_handles_have_one_serial_order [1.9, 8.2, 8.3];
            readers:
                an_entry_is_never_missing_while_its_record_is_updated [8.4, 8.7],
                a_record_is_never_missing_while_it_is_updated [8.4, 3.2],
                every_record_of_a_page_fits_while_records_move [8.4],
                every_record_that_is_found_holds_its_key [8.4, 3.1],
                a_page_skips_nothing_while_its_neighbours_come_and_go [8.4, 8.5, 8.9],
                a_page_shows_the_updates_of_a_changeset_together [8.3],
                a_page_shows_what_comes_and_goes_together [8.3],
                points_of_one_call_show_each_changeset_whole [8.3, 8.6],
                numbers_of_one_call_show_each_changeset_whole [8.3],
                one_read_shows_one_moment [8.3, 1.9],
                what_one_read_showed_the_next_one_shows [1.9, 8.3],
                nothing_of_a_refused_changeset_is_ever_read [8.3, 4.5, 1.6],
                reads_end_while_writers_go_on [8.5],
                one_read_call_shows_each_changeset_whole [8.3];
            handles:
                what_was_absent_is_read_on_each_handle_once_it_is_inserted [8.2],
                what_was_read_is_read_anew_on_each_handle_once_it_is_changed [8.2, 8.1],
                numbers_are_read_anew_on_each_handle [8.2],
                each_handle_decides_by_what_another_one_wrote [8.2, 1.9],
                a_handle_that_ends_takes_nothing_from_another [9.2],
                the_first_handle_that_ends_takes_nothing_from_the_second [9.2],
                data_that_were_closed_can_be_opened_again [9.2],
                many_more_callers_than_connections_are_all_served [9.1],
                calls_that_are_refused_leave_a_handle_that_works [5.5, 7.2],
                a_runtime_with_one_thread_is_enough [9.1];
            processes:
                what_one_process_writes_another_one_reads_at_once [8.2],
                of_two_processes_one_wins_each_key [3.1, 1.9],
                two_processes_count_together [4.2, 4.5, 1.9];
            crash:
                a_killed_process_leaves_every_changeset_whole_or_absent [1.3, 1.4, 1.5];
            reach:
                a_conflict_is_named_at_any_place_of_the_largest_changeset [2.1, 1.3, 1.10],
                a_changeset_touches_as_many_records_as_it_may [1.10, 1.3],
                a_thousand_records_are_patched_or_none [2.9, 1.10],
                a_key_released_first_is_taken_by_the_last_change [3.2, 1.3],
                a_thousand_numbers_are_counted_or_none [4.5, 1.3, 1.10],
                a_long_batch_is_answered_at_every_place [1.8, 1.2, 1.6],
                batches_larger_than_the_store_likes_are_answered_at_every_place [1.8, 1.2],
                a_heavy_batch_is_answered_whole [1.8, 1.3],
                pages_follow_each_other_to_the_end [8.9, 8.4],
                numbers_follow_each_other_to_the_end [8.10],
                a_thousand_points_with_holes_are_answered [8.6];
            backend:
                a_failed_write_stores_nothing [1.7, 5.3, 5.5],
                no_conflict_rests_on_what_was_not_written [1.7],
                a_failed_commit_is_unknown_or_undone [5.3, 5.5],
                a_lost_answer_is_an_unknown_outcome [5.3, 4.6],
                a_failed_read_is_no_answer [5.4, 5.5],
                a_full_disk_is_full [5.4, 5.3],
                what_cannot_be_reached_is_unavailable [5.4, 5.5],
                damaged_records_are_corrupt [5.4],
                damaged_numbers_are_corrupt [5.4],
                failures_use_up_nothing [5.5];
            model:
                random_changesets_are_answered_as_by_the_model [1.2, 2.1],
                random_reads_are_answered_as_by_the_model [8.8, 8.6, 8.10];
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
    /// The numbers of the [rules](referral_core::store::rules) that it holds a store to, such as `3.1`.
    pub rules: &'static [&'static str],
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
    ({} $($group:ident: $($case:ident [$($rule:literal),+]),+;)+) => {
        vec![$($(Case {
            group: stringify!($group),
            name: stringify!($case),
            rules: &[$(stringify!($rule)),+],
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
    let mut table = String::from("| Group | A store promises that | Rules |\n| --- | --- | --- |\n");
    for case in registry() {
        table.push_str(&format!("| {} | {} | {} |\n", case.group, case.promise(), case.rules.join(", ")));
    }
    table
}
