//! The table of defects: what is wrong, and which cases must notice.

macro_rules! defects {
    ($($defect:ident: $says:literal, caught by $($case:literal),+;)+) => {
        /// One way to get a store wrong.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Defect {
            $(#[doc = $says] $defect,)+
        }

        impl Defect {
            /// Every defect.
            pub const ALL: &'static [Self] = &[$(Self::$defect),+];

            /// What is wrong.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$defect => $says),+ }
            }

            /// The cases each of which must fail on a store with this defect, as `group::name`.
            #[must_use]
            pub const fn caught_by(self) -> &'static [&'static str] {
                match self { $(Self::$defect => &[$($case),+]),+ }
            }
        }
    };
}

defects! {
    // Records
    LostUpdate: "An update does not look at the version.",
        caught by "records::an_update_at_another_version_is_stale_and_changes_nothing",
            "races::a_version_has_one_winner";
    BlindDelete: "A delete does not look at the version.",
        caught by "records::a_delete_at_another_version_or_of_nothing_is_stale";
    ExpectIgnored: "An expectation is not looked at.",
        caught by "records::an_expectation_that_does_not_hold_is_stale";
    ExpectWrites: "An expectation counts the version.",
        caught by "records::an_expectation_that_holds_writes_nothing";
    InsertOverwrites: "An insert of a known id replaces the record.",
        caught by "records::an_insert_of_a_known_id_is_stale_and_changes_nothing",
            "unique::an_insert_made_twice_is_stale_and_not_taken_by_itself";
    UpdateInserts: "An update of an absent record inserts it.",
        caught by "records::an_update_of_nothing_is_stale";
    UpdateMerges: "An update keeps what the new record leaves out.",
        caught by "records::an_update_replaces_the_whole_record",
            "records::an_update_can_change_every_field_of_every_kind";
    UpdateMoves: "An update takes tenant and creation time from the new record.",
        caught by "records::an_update_keeps_tenant_and_creation_time";
    VersionKept: "An update does not count the version.",
        caught by "records::an_update_replaces_the_whole_record";
    VersionTrusted: "An insert stores the version that the record says.",
        caught by "records::an_insert_is_stored_as_version_one";
    StaleNamesWanted: "A conflict names the version that was asked for instead of the stored one.",
        caught by "records::an_update_at_another_version_is_stale_and_changes_nothing";
    EmptyIsAbsent: "An empty text is stored as none.",
        caught by "records::empty_texts_are_not_absent_ones";
    AbsentIsEmpty: "An absent text is stored as an empty one.",
        caught by "records::every_kind_comes_back_with_no_optional_field",
            "records::every_kind_comes_back_without_each_optional_field";
    TextCut: "Texts are cut at 255 bytes.",
        caught by "records::the_longest_texts_come_back_whole";
    TextTrimmed: "Texts lose their trailing spaces.",
        caught by "records::strange_texts_come_back_byte_for_byte";
    ThreeByteText: "Characters of four bytes become question marks.",
        caught by "records::strange_texts_come_back_byte_for_byte", "records::the_longest_texts_come_back_whole";
    Seconds: "Times lose their milliseconds.",
        caught by "records::extreme_numbers_come_back", "pages::extreme_times_are_ordered",
            "records::every_kind_comes_back_with_every_field";
    FloatNumbers: "Integers go through floating point.",
        caught by "records::extreme_numbers_come_back";
    KindsShareIds: "A UUID is unique over all kinds.",
        caught by "records::kinds_do_not_share_ids";
    ReferencesChecked: "An alias needs its link.",
        caught by "records::references_are_not_checked";
    ExpiredRemoved: "The database removes a link that has expired.",
        caught by "records::dates_and_limits_are_not_interpreted";

    // Unique keys
    KeysUnchecked: "A key is not unique.",
        caught by "unique::a_taken_key_is_refused_and_names_its_holder";
    KeysFolded: "Keys are compared without case.",
        caught by "unique::keys_are_equal_only_byte_for_byte", "unique::two_exact_codes_may_fold_alike",
            "unique::an_exact_code_differs_by_case_and_a_folded_one_does_not";
    KeysPadded: "Keys are compared without their trailing spaces.",
        caught by "unique::keys_are_equal_only_byte_for_byte";
    KeysWithoutAccents: "Keys are compared without accents.",
        caught by "unique::keys_are_equal_only_byte_for_byte";
    AbsentKeysMeet: "Two records without a key hold the same one.",
        caught by "unique::absent_parts_hold_nothing";
    KeysOverTenants: "A key is unique over all tenants.",
        caught by "unique::tenants_do_not_share_keys",
            "facade::tenants_have_codes_and_numbers_of_their_own";
    KeysOverRules: "The exact and the folded code share one index.",
        caught by "unique::two_exact_codes_may_fold_alike";
    UpdateKeepsKeys: "An update does not release the keys it leaves.",
        caught by "unique::an_update_releases_and_takes_keys",
            "unique::a_key_moves_between_two_records_in_one_changeset";
    UpdateTakesNoKeys: "An update does not take the keys it gets.",
        caught by "unique::an_update_releases_and_takes_keys",
            "unique::an_update_to_a_taken_key_is_refused_and_keeps_the_old_one";
    UpdateKeysAsNamed: "An update looks its keys up under the tenant that the new record names.",
        caught by "unique::an_update_takes_keys_in_the_stored_tenant";
    UniqueKeysCut: "A unique key is cut at 128 bytes.",
        caught by "keys::the_longest_unique_keys_are_kept_apart";
    KeysUntyped: "A key of the wrong type or length is looked up.",
        caught by "points::a_key_that_no_record_can_hold_is_invalid";
    DeleteKeepsKeys: "A delete does not release the keys.",
        caught by "unique::a_delete_releases_its_keys";
    OwnKeyTaken: "An update conflicts with the key that its own record holds.",
        caught by "unique::an_update_may_keep_its_keys",
            "records::a_deleted_id_may_be_inserted_again_as_version_one";
    RetryTaken: "An insert made twice is refused by its own key.",
        caught by "unique::an_insert_made_twice_is_stale_and_not_taken_by_itself",
            "races::a_retried_changeset_is_applied_once";
    HolderInvented: "A conflict names the record that asks as the holder.",
        caught by "unique::a_taken_key_is_refused_and_names_its_holder",
            "unique::the_named_holder_holds_the_named_key";
    KeysCheckedLast: "Keys are checked at the end of a changeset.",
        caught by "unique::a_key_must_be_released_before_it_is_taken",
            "unique::equal_keys_within_a_changeset_conflict";

    // Changesets
    PrefixKept: "A conflict leaves what was applied before it.",
        caught by "changesets::all_of_it_is_applied_or_none", "model::random_changesets_are_answered_as_by_the_model",
            "unique::a_failed_changeset_takes_and_releases_no_key",
            "changesets::a_later_changeset_sees_nothing_of_a_failed_one";
    TornBesideApplied: "A conflict leaves what was applied before it, where a neighbour of its batch is applied.",
        caught by "changesets::all_of_it_is_applied_or_none",
            "counters::tallies_of_a_batch_add_up";
    NeighboursRolledBack: "A conflict takes back what the batch had applied.",
        caught by "changesets::a_conflict_leaves_its_neighbours_alone";
    BatchStops: "After a conflict the rest of the batch is not tried.",
        caught by "changesets::a_conflict_leaves_its_neighbours_alone";
    BatchBlind: "Every member of a batch sees the store as it was before the batch.",
        caught by "changesets::a_later_changeset_sees_the_earlier_ones",
            "changesets::a_batch_may_write_a_record_again_and_again",
            "changesets::equal_inserts_in_a_batch_have_one_winner",
            "counters::counts_of_a_batch_are_decided_one_after_another";
    BatchWritesOnce: "A record that several members of a batch write moves on by one version only.",
        caught by "changesets::a_batch_may_write_a_record_again_and_again";
    FirstIndex: "A conflict is always reported at the first change.",
        caught by "changesets::the_first_failing_change_is_reported";
    LastFailure: "Of several changes that fail, the last one is reported.",
        caught by "changesets::the_first_failing_change_is_reported";
    AnswersReversed: "The answers of a batch come in reverse order.",
        caught by "changesets::answers_come_in_the_order_of_the_batch";
    ConflictsLast: "The answers of a batch are sorted, with those that were applied first.",
        caught by "changesets::answers_come_in_the_order_of_the_batch";
    RulesUnchecked: "A changeset that breaks a rule is applied.",
        caught by "changesets::every_broken_rule_is_invalid_and_writes_nothing",
            "patches::every_patch_that_breaks_a_rule_is_invalid";
    InvalidFailsBatch: "A changeset that breaks a rule fails its whole batch.",
        caught by "changesets::an_invalid_changeset_leaves_its_neighbours_alone";
    LargeRefused: "A changeset of more than 1,000 changes is too large.",
        caught by "changesets::the_largest_changeset_is_applied";
    EmptyRefused: "A changeset without changes is refused.",
        caught by "changesets::an_empty_changeset_is_applied";
    EmptyAnswered: "A batch of nothing has an answer.",
        caught by "changesets::an_empty_batch_has_no_answers";
    HeavyRefused: "A changeset of more than 1 MiB is too large.",
        caught by "changesets::the_heaviest_changeset_is_applied";
    BatchCut: "A batch is cut to the size that the store likes.",
        caught by "changesets::a_batch_larger_than_the_store_likes_is_answered_whole";
    DeletesLast: "A changeset's deletes are applied behind its inserts.",
        caught by "changesets::changes_are_applied_in_order";

    // Patches
    PatchIgnoresVersion: "A patch does not look at the version.",
        caught by "patches::a_patch_at_another_version_is_stale_and_changes_nothing",
            "patches::two_patches_in_a_batch_have_one_winner",
            "patches::a_patch_is_a_witness_for_what_is_counted";
    PatchPartial: "A patch changes the records that are as expected, and leaves the rest.",
        caught by "patches::a_patch_changes_all_or_none", "model::random_changesets_are_answered_as_by_the_model";
    PatchSkipsAbsent: "A patch passes over what is not there.",
        caught by "patches::an_absent_record_is_not_patched";
    PatchNamesLast: "A refused patch names the last record that is not as expected.",
        caught by "patches::the_first_that_is_not_as_expected_is_named";
    PatchKeepsVersion: "A patch does not count the version.",
        caught by "patches::a_patch_sets_its_columns_and_the_next_version";
    PatchVersionOfFirst: "A patch gives every record the version that the first one gets.",
        caught by "patches::a_patch_sets_its_columns_and_the_next_version";
    PatchSetsFirst: "A patch sets the first of its columns only.",
        caught by "patches::a_patch_sets_its_columns_and_the_next_version",
            "patches::every_column_that_may_be_patched_is_set";
    PatchSkipsNull: "A patch that sets a column to null leaves what is there.",
        caught by "patches::a_patch_sets_columns_to_null";
    PatchReplaces: "A patch clears the columns that it does not name.",
        caught by "patches::a_patch_changes_no_other_column_and_no_other_record";
    PatchKeepsEntries: "A patched record stays where it was in the indexes.",
        caught by "patches::a_patch_moves_the_index_entries";
    PatchLosesKeys: "A patched record loses its unique keys.",
        caught by "patches::a_patched_record_keeps_its_unique_keys";
    PatchCut: "A patch stops after 500 records.",
        caught by "patches::a_thousand_records_are_patched_at_once";
    SecondPatchLost: "Of two patches in a changeset only the first is applied.",
        caught by "patches::a_changeset_may_hold_several_patches";

    // Numbers
    BoundsExclusive: "A sum equal to the upper bound is refused.",
        caught by "counters::both_bounds_are_inside", "races::a_counter_never_passes_its_bound";
    LowerBoundIgnored: "The lower bound is not looked at.",
        caught by "counters::both_bounds_are_inside",
            "counters::equal_bounds_compare_and_set";
    BoundsOnValue: "The bounds test the value before.",
        caught by "counters::the_bounds_test_the_sum", "counters::both_bounds_are_inside";
    CountWraps: "A sum that overflows wraps around.",
        caught by "counters::a_count_never_overflows_upwards", "counters::a_count_never_overflows_downwards";
    CountSaturates: "A sum that overflows stays at the end.",
        caught by "counters::a_count_never_overflows_upwards", "counters::a_count_never_overflows_downwards";
    NamesSum: "A refused count names the sum.",
        caught by "counters::a_refused_count_names_the_value_before";
    AbsentUnbounded: "The bounds do not hold for the first count of a counter.",
        caught by "counters::an_absent_counter_is_zero";
    NeverNegative: "A counter does not go below zero.",
        caught by "counters::a_count_may_go_below_zero";
    ZeroListed: "A number that came back to zero is listed.",
        caught by "counters::zero_is_not_listed";
    NumbersSurvive: "A conflict does not take counts and tallies back.",
        caught by "counters::a_conflict_takes_counts_and_tallies_back", "changesets::all_of_it_is_applied_or_none";
    TallyOnce: "Of two tallies of one number in a changeset only the last one is applied.",
        caught by "counters::a_tally_made_twice_in_a_changeset_counts_twice";
    TallyPositive: "A statistic never goes down.",
        caught by "counters::tallies_add_up_and_never_conflict";
    TallyWraps: "A statistic that overflows wraps around.",
        caught by "counters::a_tally_stays_at_the_end_of_its_range";
    TallyRefused: "A statistic that would overflow is a conflict.",
        caught by "counters::a_tally_stays_at_the_end_of_its_range";
    TallyMerged: "What a batch adds to a statistic is summed first, and lost where the sum overflows.",
        caught by "counters::a_tally_stays_at_the_end_of_its_range";
    BucketsUnsigned: "Buckets before 1970 come last.",
        caught by "counters::buckets_are_ordered_also_below_zero";
    BucketUntilInside: "A range of buckets holds its end.",
        caught by "counters::a_range_of_buckets_is_half_open";
    PartsJoined: "Key parts are joined with nothing between them.",
        caught by "counters::a_prefix_gives_only_its_own_numbers", "counters::numbers_come_in_the_order_of_their_keys";
    PartsPrefixed: "A prefix gives every part that begins so.",
        caught by "counters::a_prefix_gives_only_its_own_numbers";
    PartsFolded: "Key parts are compared without case.",
        caught by "counters::key_parts_are_equal_only_byte_for_byte";
    PartsCut: "Key parts are cut at 191 bytes.",
        caught by "counters::the_longest_key_parts_are_kept_apart";
    PartsWithColons: "Key parts are joined with a colon, also parts that hold one.",
        caught by "counters::parts_that_hold_separators_are_kept_apart";
    NumberKeysCut: "The key of a number is cut at 512 bytes.",
        caught by "keys::the_longest_numbers_are_kept_apart";
    NumbersAfterInside: "The next page of numbers begins with the last one of the page before.",
        caught by "counters::the_next_page_begins_behind_its_key";
    NumbersUnlimited: "The limit of numbers is not kept.",
        caught by "counters::the_limit_is_kept";
    NumbersOverTenants: "Tenants share their numbers.",
        caught by "counters::tenants_and_families_do_not_share_numbers",
            "facade::tenants_have_codes_and_numbers_of_their_own";
    FamiliesShared: "Families share their numbers.",
        caught by "counters::tenants_and_families_do_not_share_numbers";
    ReadsUnchecked: "A read that asks for too much is answered.",
        caught by "counters::a_read_that_asks_for_too_much_is_invalid",
            "points::more_than_a_thousand_points_are_invalid", "pages::a_prefix_that_does_not_fit_is_invalid";

    // Pages and points
    TiesUnordered: "Equal times come in the wrong order of ids.",
        caught by "pages::equal_times_are_ordered_by_id", "pages::every_index_gives_its_records_in_both_directions";
    OnlyNewest: "Every page comes newest first.",
        caught by "pages::every_index_gives_its_records_in_both_directions";
    TimesUnsigned: "Times before 1970 come last.",
        caught by "pages::extreme_times_are_ordered";
    UntilInside: "A range holds its end.",
        caught by "pages::ranges_are_half_open";
    FromOutside: "A range does not hold its beginning.",
        caught by "pages::ranges_are_half_open", "model::random_reads_are_answered_as_by_the_model";
    SeekInside: "The next page begins with the last record of the page before.",
        caught by "pages::a_page_goes_on_behind_the_last_one", "model::random_reads_are_answered_as_by_the_model";
    SeekByTime: "The next page begins at the next time.",
        caught by "pages::a_page_goes_on_behind_the_last_one", "pages::pages_make_up_the_whole_while_others_insert";
    SeekNeedsRecord: "The page after a deleted record is empty.",
        caught by "pages::a_page_goes_on_behind_a_record_that_is_gone";
    LimitFirst: "The limit is applied before the range.",
        caught by "pages::a_page_goes_on_behind_the_last_one";
    LimitIgnored: "The limit of records is not kept.",
        caught by "pages::the_limit_is_kept";
    LimitHundred: "A page holds at most a hundred records.",
        caught by "pages::a_page_holds_a_thousand_records";
    ScanThousand: "A page is looked for among the first thousand records of its prefix.",
        caught by "pages::reading_begins_anywhere_in_a_large_prefix";
    PrefixFolded: "Prefixes are compared without case.",
        caught by "pages::text_prefixes_are_equal_only_byte_for_byte", "pages::a_prefix_gives_only_its_own_records";
    PrefixPadded: "Prefixes are compared without their trailing spaces.",
        caught by "pages::text_prefixes_are_equal_only_byte_for_byte", "pages::a_prefix_gives_only_its_own_records";
    PrefixBegins: "A prefix gives every text that begins so.",
        caught by "pages::a_prefix_gives_only_its_own_records";
    PrefixUntyped: "A prefix whose parts have the wrong type or length is answered.",
        caught by "pages::a_part_that_no_record_can_have_is_invalid";
    PrefixCut: "A prefix is cut at 255 bytes.",
        caught by "keys::the_longest_prefixes_are_kept_apart";
    PrefixWithColons: "The parts of a prefix are joined with a colon, also parts that hold one.",
        caught by "pages::parts_that_hold_separators_are_kept_apart";
    IdsTrimmed: "The zero bytes at the end of an id are taken for the end of the prefix.",
        caught by "pages::ids_that_end_in_zeros_or_ones_are_ids_like_any_other";
    LastIdEmpty: "The prefix of the highest id gives nothing, because no key comes after it.",
        caught by "pages::ids_that_end_in_zeros_or_ones_are_ids_like_any_other";
    TenantLeak: "A page gives the records of every tenant.",
        caught by "pages::tenants_do_not_see_each_other",
            "pages::an_unknown_prefix_is_an_empty_page";
    EntriesStay: "An update leaves the index entries where they were.",
        caught by "pages::an_update_moves_the_entry";
    NullPartIgnored: "An index lists a record even if a column that has to be null is not.",
        caught by "pages::an_entry_goes_when_its_part_does";
    DeletedListed: "A deleted record stays in the indexes.",
        caught by "records::a_delete_removes_the_record_from_everywhere";
    PointsSorted: "Points are answered in the order of their keys.",
        caught by "points::answers_come_in_the_order_asked",
            "points::a_thousand_points_are_answered";
    PointsOnce: "A point that is asked for twice is answered once.",
        caught by "points::a_point_asked_for_twice_is_answered_twice";
    MissingSkipped: "A point that is missing has no answer.",
        caught by "points::what_is_missing_is_missing_at_its_place";
    NothingRefused: "A read of no points is refused.",
        caught by "points::nothing_asked_is_nothing_answered";
    KindIgnored: "A record is found by its UUID, whatever kind is asked for.",
        caught by "points::an_id_of_another_kind_is_not_found";

    // Races
    LookThenWrite: "A key is looked up, and then written.",
        caught by "races::a_code_has_one_winner", "races::a_natural_key_has_one_winner",
            "facade::a_link_asked_for_by_many_at_once_is_made_once",
            "facade::a_code_chosen_by_many_at_once_makes_one_link",
            "facade::generated_codes_never_meet_and_run_out_as_a_typed_error",
            "facade::a_code_given_to_many_links_at_once_leads_to_one";
    IdLookThenWrite: "An id is looked up, and then written.",
        caught by "races::an_id_has_one_winner", "races::a_retried_changeset_is_applied_once";
    VersionLookThenWrite: "A version is looked up, and then written.",
        caught by "races::a_version_has_one_winner",
            "facade::edits_made_at_once_are_all_applied",
            "races::a_key_that_is_handed_over_always_has_one_holder";
    PatchLookThenWrite: "A version is looked up, and then patched.",
        caught by "races::patches_of_one_record_have_one_winner",
            "races::patches_updates_and_deletes_of_one_record_have_one_winner",
            "facade::responses_are_claimed_once_by_many_logins_of_one_user",
            "facade::responses_claimed_by_two_users_at_once_have_one_of_them";
    ReadThenCount: "A counter is read, and then written.",
        caught by "races::a_counter_never_passes_its_bound", "races::counts_are_exact",
            "races::a_compare_and_set_has_one_winner",
            "facade::a_click_limit_is_reached_exactly_and_never_passed";
    ReadThenTally: "A statistic is read, and then written.",
        caught by "races::tallies_are_exact",
            "facade::statistics_are_what_the_pages_show";
    WriteSkew: "An expectation is checked, and does not hold until the commit.",
        caught by "races::an_expectation_holds_until_the_commit";
    ContendedAtOnce: "Whoever meets another writer is told to try again.",
        caught by "races::crossing_changesets_do_not_block_each_other",
            "races::crossing_batches_do_not_block_each_other";
    EarlyAnswer: "A write is acknowledged before it can be read.",
        caught by "races::an_acknowledged_write_is_read_at_once",
            "facade::a_disabled_link_records_no_click_that_begins_later";
    HandlesApart: "Each handle decides by what it knows itself.",
        caught by "races::of_two_handles_one_wins", "races::two_handles_count_together",
            "handles::each_handle_decides_by_what_another_one_wrote";

    // Durability and cancellation
    EverythingForgotten: "A store that says it is durable opens empty.",
        caught by "durability::a_reopened_store_keeps_its_records",
            "durability::a_reopened_store_keeps_its_keys_and_indexes",
            "durability::a_reopened_store_keeps_its_numbers";
    LastForgotten: "The last commit before the end is lost.",
        caught by "durability::a_reopened_store_keeps_its_records";
    NumbersForgotten: "Numbers live in memory only.",
        caught by "durability::a_reopened_store_keeps_its_numbers";
    IndexesForgotten: "Keys and indexes live in memory only.",
        caught by "durability::a_reopened_store_keeps_its_keys_and_indexes";
    FactsChange: "A store that was opened again says that it likes other batches.",
        caught by "durability::the_facts_do_not_change";
    HalfWhenDropped: "A changeset whose caller goes away stays half applied.",
        caught by "cancellation::a_dropped_commit_is_whole_or_absent",
            "cancellation::a_dropped_batch_leaves_each_changeset_whole_or_absent",
            "cancellation::a_dropped_verb_is_whole_or_absent";
    PatchHalfWhenDropped: "A patch whose caller goes away stays half applied.",
        caught by "cancellation::a_dropped_patch_is_whole_or_absent";
    ConnectionLeaked: "A caller that goes away keeps its connection.",
        caught by "cancellation::dropped_calls_leave_a_usable_store";
    ReadConnectionLeaked: "A caller that goes away while it reads keeps its connection.",
        caught by "cancellation::a_dropped_read_leaves_a_usable_store";

    // What an application would see
    SecondTallyLost: "Of the statistics of a changeset only the first one is kept.",
        caught by "facade::statistics_are_what_the_pages_show";
    RetryCounts: "An insert that is made twice is applied again, with all changes after it.",
        caught by "changesets::a_changeset_made_twice_is_refused_by_its_witness";

    // Pairs and histories
    UpdateKeyLooked: "An update looks whether its new key is free, and then takes it.",
        caught by "pairs::two_changes_made_at_once_have_a_serial_order",
            "pairs::two_changesets_that_cross_have_a_serial_order",
            "pairs::two_batches_made_at_once_have_a_serial_order";
    FoldedLooked: "The folded code is looked up and then written; only the exact one has an index.",
        caught by "pairs::two_changes_made_at_once_have_a_serial_order",
            "pairs::two_changes_made_at_once_on_two_handles_have_a_serial_order";
    DeleteLooked: "A delete looks at the version, and then removes whatever is there.",
        caught by "pairs::two_changes_made_at_once_have_a_serial_order",
            "pairs::two_batches_made_at_once_have_a_serial_order",
            "histories::the_answers_of_many_callers_have_a_serial_order";
    UpdateRevives: "An update writes its record back that was deleted meanwhile.",
        caught by "pairs::two_changes_made_at_once_have_a_serial_order",
            "histories::the_answers_of_many_callers_have_a_serial_order";
    PatchRevives: "A patch writes records back that were deleted meanwhile.",
        caught by "pairs::two_changes_made_at_once_have_a_serial_order",
            "pairs::two_batches_made_at_once_have_a_serial_order";
    PatchWritesBack: "A patch writes back the whole record that it has read.",
        caught by "pairs::two_changes_made_at_once_have_a_serial_order",
            "pairs::two_changes_made_at_once_on_two_handles_have_a_serial_order",
            "histories::the_answers_of_many_callers_have_a_serial_order";
    ExpectUnlocked: "An expectation is looked at before the transaction that writes.",
        caught by "pairs::two_changesets_that_cross_have_a_serial_order",
            "pairs::two_changesets_that_cross_on_two_handles_have_a_serial_order",
            "histories::the_answers_of_many_callers_have_a_serial_order";
    ExpectMissesDeletes: "An expectation locks out updates, and no deletes.",
        caught by "pairs::two_changesets_that_cross_have_a_serial_order";
    BatchBoundsLooked: "In a batch of several, bounds are looked at before the numbers are added up.",
        caught by "pairs::two_batches_made_at_once_have_a_serial_order",
            "pairs::two_batches_made_at_once_on_two_handles_have_a_serial_order";
    BatchTallyWritesBack: "In a batch of several, statistics are read, added up and written back.",
        caught by "pairs::two_batches_made_at_once_have_a_serial_order";
    BatchInTwo: "A batch is decided as a whole, and written in two transactions.",
        caught by "pairs::two_batches_made_at_once_have_a_serial_order";
    ChangesTakenBack: "Each change is a transaction of its own, and is taken back if a later one fails.",
        caught by "pairs::two_changesets_that_cross_have_a_serial_order",
            "histories::the_answers_of_many_callers_have_a_serial_order";
    KeyReleasedEarly: "A key is released before it is sure that its record can be written.",
        caught by "pairs::two_changesets_that_cross_have_a_serial_order";
    RecordsOfHandle: "Each handle remembers the records that it has read.",
        caught by "pairs::two_changes_made_on_two_handles_are_answered_as_by_the_model",
            "histories::the_answers_on_two_handles_have_one_serial_order";
    HoldersOfHandle: "Each handle remembers who holds a key.",
        caught by "pairs::two_changes_made_on_two_handles_are_answered_as_by_the_model",
            "histories::the_answers_on_two_handles_have_one_serial_order";
    NumbersOfHandle: "Each handle refuses a count by the number that it remembers.",
        caught by "histories::the_answers_on_two_handles_have_one_serial_order";
    VersionsOfHandle: "Each handle refuses an update by the version that it remembers.",
        caught by "histories::the_answers_on_two_handles_have_one_serial_order";
    VersionCached: "A record is remembered under its id and its version, also when it was deleted and inserted again.",
        caught by "pairs::two_changes_made_one_after_another_are_answered_as_by_the_model",
            "pairs::two_changes_made_on_two_handles_are_answered_as_by_the_model";
    GetOneByOne: "The records of one call are read in one transaction each.",
        caught by "histories::the_answers_of_many_callers_have_a_serial_order";
    TallyBehind: "A statistic is written behind the acknowledgement.",
        caught by "histories::the_answers_of_many_callers_have_a_serial_order";
    AnswerShared: "Who writes a record that another call is writing gets the answer of that call.",
        caught by "pairs::two_changes_made_at_once_have_a_serial_order";
    BatchDeletesFirst: "The deletes of a batch are done first.",
        caught by "pairs::two_changes_of_one_batch_are_answered_as_by_the_model";
    ReleasedTooLate: "A key that a changeset releases is free only behind that changeset.",
        caught by "pairs::two_changes_of_one_changeset_are_answered_as_by_the_model",
            "pairs::two_changes_of_one_batch_are_answered_as_by_the_model";
    LockOfHandle: "Each handle has a lock of its own, behind which it reads, decides and writes.",
        caught by "pairs::two_changes_made_at_once_on_two_handles_have_a_serial_order",
            "pairs::two_changesets_that_cross_on_two_handles_have_a_serial_order",
            "pairs::two_batches_made_at_once_on_two_handles_have_a_serial_order",
            "histories::the_answers_on_two_handles_have_one_serial_order";
    LockOfRecords: "Records are locked while a batch is decided; keys and numbers are not.",
        caught by "pairs::two_changes_made_at_once_have_a_serial_order",
            "pairs::two_batches_made_at_once_have_a_serial_order",
            "histories::the_answers_of_many_callers_have_a_serial_order";
    // Readers while others write
    PageThenRecords: "A page reads the entries, and then the records, and does not look whether they still fit.",
        caught by "readers::every_record_of_a_page_fits_while_records_move",
            "readers::a_page_skips_nothing_while_its_neighbours_come_and_go";
    PageOfDangling: "A page fails where a record went away after its entry was read.",
        caught by "readers::a_page_skips_nothing_while_its_neighbours_come_and_go";
    PageInChunks: "A page is read in chunks, each at a moment of its own.",
        caught by "readers::a_page_shows_the_updates_of_a_changeset_together";
    PageByOffset: "A page is read in chunks that count how many records came before them.",
        caught by "readers::a_page_skips_nothing_while_its_neighbours_come_and_go";
    PageFromReplica: "Pages come from a replica, which gets a commit a moment later than the other reads.",
        caught by "readers::what_one_read_showed_the_next_one_shows";
    GetInChunks: "Ids are looked up in chunks, each at a moment of its own.",
        caught by "readers::points_of_one_call_show_each_changeset_whole", "readers::one_read_shows_one_moment";
    FindInChunks: "Keys are looked up in chunks, each at a moment of its own.",
        caught by "readers::points_of_one_call_show_each_changeset_whole",
            "readers::every_record_that_is_found_holds_its_key";
    KeyThenRecord: "A key is looked up, and then its record, which may have given the key away.",
        caught by "readers::every_record_that_is_found_holds_its_key";
    NumbersInChunks: "Numbers are read in chunks, each at a moment of its own.",
        caught by "readers::numbers_of_one_call_show_each_changeset_whole";
    ChangesShown: "Each change of a changeset is shown as soon as it is made.",
        caught by "readers::a_page_shows_the_updates_of_a_changeset_together",
            "readers::a_page_shows_what_comes_and_goes_together",
            "readers::numbers_of_one_call_show_each_changeset_whole",
            "readers::every_record_that_is_found_holds_its_key";
    PatchInChunks: "A patch of many records is written in several transactions.",
        caught by "readers::points_of_one_call_show_each_changeset_whole";
    NumbersFirst: "The numbers of a changeset are written in a transaction of their own, before its records.",
        caught by "readers::what_one_read_showed_the_next_one_shows";
    RefusedShown: "A changeset is shown until its last change is refused.",
        caught by "readers::nothing_of_a_refused_changeset_is_ever_read";
    RefusedNumbersShown: "The numbers of a changeset are shown until its last change is refused.",
        caught by "readers::nothing_of_a_refused_changeset_is_ever_read";
    EntryReplaced: "An update takes its index entries out, and puts them in again in a second transaction.",
        caught by "readers::an_entry_is_never_missing_while_its_record_is_updated";
    KeyReplaced: "An update releases its unique keys, and takes them again in a second transaction.",
        caught by "readers::a_record_is_never_missing_while_it_is_updated";
    RecordReplaced: "An update deletes the record, and inserts it again in a second transaction.",
        caught by "readers::a_record_is_never_missing_while_it_is_updated";
    QuietReads: "A read begins again for as long as somebody writes.",
        caught by "readers::reads_end_while_writers_go_on";
    ReadRefused: "A read beside a writer is told to try again.",
        caught by "readers::reads_end_while_writers_go_on";

    // Handles, callers and runtimes
    RecordsCached: "A handle keeps the records that it read, until it writes itself.",
        caught by "handles::what_was_read_is_read_anew_on_each_handle_once_it_is_changed";
    AbsenceCached: "A handle remembers which ids lead to nothing, until it writes itself.",
        caught by "handles::what_was_absent_is_read_on_each_handle_once_it_is_inserted";
    HoldersCached: "A handle keeps who holds a key, until it writes itself.",
        caught by "handles::what_was_read_is_read_anew_on_each_handle_once_it_is_changed";
    PagesCached: "A handle keeps the pages that it read, until it writes itself.",
        caught by "handles::what_was_absent_is_read_on_each_handle_once_it_is_inserted",
            "handles::what_was_read_is_read_anew_on_each_handle_once_it_is_changed";
    NumbersCached: "A handle keeps the numbers that it read, until it writes itself.",
        caught by "handles::numbers_are_read_anew_on_each_handle";
    CommitTakesTwo: "A commit takes a second connection from the pool while it holds the first.",
        caught by "handles::many_more_callers_than_connections_are_all_served";
    ReadTakesTwo: "A read takes a second connection from the pool while it holds the first.",
        caught by "handles::many_more_callers_than_connections_are_all_served";
    CallersLimited: "Of more than 64 callers at once the others are refused.",
        caught by "handles::many_more_callers_than_connections_are_all_served";
    CommitBlocksThread: "A commit blocks its thread in a way that only a runtime with several threads allows.",
        caught by "handles::a_runtime_with_one_thread_is_enough";
    ReadBlocksThread: "A read blocks its thread in a way that only a runtime with several threads allows.",
        caught by "handles::a_runtime_with_one_thread_is_enough";
    ConflictKeepsConnection: "A commit that conflicts does not give its connection back.",
        caught by "handles::calls_that_are_refused_leave_a_handle_that_works";
    RefusalKeepsConnection: "A read that asks for too much does not give its connection back.",
        caught by "handles::calls_that_are_refused_leave_a_handle_that_works";
    EndClosesAll: "The handle that ends closes the pool that all handles share.",
        caught by "handles::a_handle_that_ends_takes_nothing_from_another",
            "handles::the_first_handle_that_ends_takes_nothing_from_the_second";
    EndStopsCalls: "The handle that ends stops the calls of all handles that are under way.",
        caught by "handles::a_handle_that_ends_takes_nothing_from_another";
    EndKeepsRoom: "A handle that ends is never taken off the few that may be open.",
        caught by "handles::data_that_were_closed_can_be_opened_again";

    // Processes
    ProcessCaches: "A process reads what it knows, until it writes itself.",
        caught by "processes::what_one_process_writes_another_one_reads_at_once";
    ProcessOwns: "A process decides and writes by what it knows itself.",
        caught by "processes::what_one_process_writes_another_one_reads_at_once",
            "processes::of_two_processes_one_wins_each_key";
    ProcessesUnlocked: "Only the writers of one process keep out of each other's way.",
        caught by "processes::of_two_processes_one_wins_each_key", "processes::two_processes_count_together";
    ProcessKeepsTallies: "A process keeps its statistics back, and writes many of them at once.",
        caught by "processes::what_one_process_writes_another_one_reads_at_once",
            "processes::two_processes_count_together";
    // Sizes
    ChunksOfHundred: "A changeset of more than 100 changes is written in several transactions.",
        caught by "reach::a_conflict_is_named_at_any_place_of_the_largest_changeset",
            "reach::a_thousand_numbers_are_counted_or_none";
    ChunksOfFiveHundred: "A changeset of more than 500 changes is written in several transactions.",
        caught by "reach::a_conflict_is_named_at_any_place_of_the_largest_changeset",
            "reach::a_thousand_numbers_are_counted_or_none";
    PlaceInByte: "The place of a conflict is kept in one byte.",
        caught by "reach::a_conflict_is_named_at_any_place_of_the_largest_changeset";
    PlaceInChunk: "The place of a conflict is that in its chunk of 500 changes.",
        caught by "reach::a_conflict_is_named_at_any_place_of_the_largest_changeset",
            "reach::a_thousand_numbers_are_counted_or_none";
    ParametersDropped: "What would be more than 999 parameters of a statement is not inserted.",
        caught by "reach::a_key_released_first_is_taken_by_the_last_change",
            "reach::a_conflict_is_named_at_any_place_of_the_largest_changeset";
    VersionsUnboundBeyond: "Of the expectations of a changeset those behind the 999th change are not looked at.",
        caught by "reach::a_conflict_is_named_at_any_place_of_the_largest_changeset";
    DeletesBeyondChunk: "In a changeset of more than 500 changes what deletes is done last.",
        caught by "reach::a_key_released_first_is_taken_by_the_last_change";
    NumbersBeyondDropped: "Of the numbers of a changeset only the first thousand are written.",
        caught by "reach::a_thousand_numbers_are_counted_or_none";
    PatchOneShort: "Of the records of a patch at most 999 are looked at.",
        caught by "reach::a_thousand_records_are_patched_or_none",
            "reach::a_changeset_touches_as_many_records_as_it_may";
    PatchInPieces: "A patch of more than 500 records is written in several transactions.",
        caught by "reach::a_thousand_records_are_patched_or_none",
            "reach::a_changeset_touches_as_many_records_as_it_may";
    LongBatchUnanswered: "Of a batch the first thousand changesets are answered.",
        caught by "reach::a_long_batch_is_answered_at_every_place";
    LongBatchUnwritten: "Of a batch the first thousand changesets are written, and all are said to be.",
        caught by "reach::a_long_batch_is_answered_at_every_place";
    BatchHalvesSwapped: "What is more than the store likes in a batch is written first.",
        caught by "reach::batches_larger_than_the_store_likes_are_answered_at_every_place",
            "reach::a_long_batch_is_answered_at_every_place";
    HeavyBatchUnwritten: "Of a batch the first 16 MiB are written, and all is said to be.",
        caught by "reach::a_heavy_batch_is_answered_whole";
    HeavyBatchTorn: "A heavy batch is written in several transactions, the cut between which may be in a changeset.",
        caught by "reach::a_heavy_batch_is_answered_whole";
    ScanTwoThousand: "A page looks at the first two thousand entries only.",
        caught by "reach::pages_follow_each_other_to_the_end";
    NumbersScanThousand: "A page of numbers looks at the first thousand only.",
        caught by "reach::numbers_follow_each_other_to_the_end";
    PageLimitHalved: "A page gives at most 500 records.",
        caught by "reach::pages_follow_each_other_to_the_end";
    PointsClosedUp: "Where more than 500 points are asked for, those that are missing come last.",
        caught by "reach::a_thousand_points_with_holes_are_answered";
    // A backend that fails
    ConflictsKept: "When the write of a batch fails, conflicts with its members are answered all the same.",
        caught by "backend::no_conflict_rests_on_what_was_not_written";
    FailedWriteApplied: "The error of a write is logged, and the changeset is answered as applied.",
        caught by "backend::a_failed_write_stores_nothing", "backend::no_conflict_rests_on_what_was_not_written";
    FailedWriteTorn: "What was written before the write that failed stays.",
        caught by "backend::a_failed_write_stores_nothing";
    InvalidFailsToo: "In a batch whose write fails, a changeset that breaks a rule is told of the failure.",
        caught by "backend::a_failed_write_stores_nothing", "backend::a_failed_commit_is_unknown_or_undone";
    FailedCommitRefused: "A COMMIT that fails half-way is told as if the database took no work.",
        caught by "backend::a_failed_commit_is_unknown_or_undone";
    FailedCommitContended: "A COMMIT that fails is told as a race that was lost too often.",
        caught by "backend::a_failed_commit_is_unknown_or_undone";
    LostAnswerRefused: "A COMMIT whose answer was lost is told as a line that was cut before it.",
        caught by "backend::a_lost_answer_is_an_unknown_outcome";
    LostAnswerTriedAgain: "A COMMIT whose answer was lost is run again, and meets what it wrote itself.",
        caught by "backend::a_lost_answer_is_an_unknown_outcome";
    FailedReadEmpty: "A read that fails is answered as if nothing were there.",
        caught by "backend::a_failed_read_is_no_answer", "backend::what_cannot_be_reached_is_unavailable";
    FullContended: "A full disk is told as a race that was lost too often.",
        caught by "backend::a_full_disk_is_full";
    FullOther: "A full disk is an error like any other.",
        caught by "backend::a_full_disk_is_full";
    UnreachableOther: "A database that cannot be reached is an error of the driver like any other.",
        caught by "backend::what_cannot_be_reached_is_unavailable";
    UnreachableUnknown: "Every commit that meets a cut line is of unknown outcome, also where none was sent.",
        caught by "backend::what_cannot_be_reached_is_unavailable";
    DamageUnavailable: "A record that cannot be read is told as a database that takes no work.",
        caught by "backend::damaged_records_are_corrupt";
    DamageSkipped: "A record or number that cannot be read is passed over.",
        caught by "backend::damaged_records_are_corrupt", "backend::damaged_numbers_are_corrupt";
    DamagedNumberZero: "A number that cannot be read counts from 0.",
        caught by "backend::damaged_numbers_are_corrupt";
    BrokenForEver: "After an error the handle answers nothing any more.",
        caught by "backend::a_failed_write_stores_nothing", "backend::a_failed_commit_is_unknown_or_undone",
            "backend::a_failed_read_is_no_answer", "backend::failures_use_up_nothing",
            "backend::what_cannot_be_reached_is_unavailable";
    FailureLeaksConnection: "A call that fails does not give its connection back.",
        caught by "backend::failures_use_up_nothing";
    // Readers: one call, one moment
    GetKindByKind: "A get reads kind after kind, without a common snapshot.",
        caught by "readers::one_read_call_shows_each_changeset_whole";
    GetInPieces: "A get of many ids reads them in pieces, without a common snapshot.",
        caught by "readers::one_read_call_shows_each_changeset_whole";
    FindKindByKind: "A find reads kind after kind, without a common snapshot.",
        caught by "readers::one_read_call_shows_each_changeset_whole";
    KeysThenRecords: "A find looks up who holds the keys, and reads the records later.",
        caught by "readers::one_read_call_shows_each_changeset_whole";
    EntriesThenRecords: "A page reads its index entries, and each record later.",
        caught by "readers::one_read_call_shows_each_changeset_whole";
    PageInTwo: "A page is read in two statements, without a common snapshot.",
        caught by "readers::one_read_call_shows_each_changeset_whole";
    NumbersOneByOne: "The numbers of a prefix are listed, and then read one by one.",
        caught by "readers::one_read_call_shows_each_changeset_whole";
    NumbersInTwo: "The numbers of a prefix are read in two statements, without a common snapshot.",
        caught by "readers::one_read_call_shows_each_changeset_whole";
    WrittenBesideReaders: "The writer keeps other writers out while it writes a changeset, and no readers.",
        caught by "readers::one_read_call_shows_each_changeset_whole";
    CacheMixed: "A get takes what a cache knows, and the rest from the database.",
        caught by "readers::one_read_call_shows_each_changeset_whole";

    // Every family, every byte of a key, empty ranges, and what a patch sets
    TalliedPrefixBegins: "In tallied families, a prefix gives every part that begins so.",
        caught by "counters::every_family_is_read_by_prefix_range_place_and_limit",
            "counters::parts_of_statistics_are_equal_only_byte_for_byte";
    TalliedLimitIgnored: "In tallied families, the limit is not kept.",
        caught by "counters::every_family_is_read_by_prefix_range_place_and_limit";
    TalliedAfterInside: "In tallied families, the next page begins with the last number of the page before.",
        caught by "counters::every_family_is_read_by_prefix_range_place_and_limit";
    TalliedUntilInside: "In tallied families, a range of buckets holds its end.",
        caught by "counters::every_family_is_read_by_prefix_range_place_and_limit";
    TalliedScanThousand: "In tallied families, a read looks among the first thousand numbers of its prefix.",
        caught by "counters::reading_begins_anywhere_in_a_large_family";
    InvertedBucketsAll: "A range of buckets that ends before it begins gives all.",
        caught by "counters::a_range_of_buckets_that_ends_before_it_begins_is_empty";
    NumbersAfterReplacesFrom: "A read that goes on behind a key does not look at where its range begins.",
        caught by "counters::a_read_goes_on_behind_a_key_outside_of_its_range";
    InvertedRangeAll: "A range that ends before it begins gives all.",
        caught by "pages::a_range_that_ends_before_it_begins_is_empty";
    PageAfterReplacesRange: "A page that goes on behind a place does not look at where its range begins.",
        caught by "pages::a_page_goes_on_behind_a_place_outside_of_its_range";
    KeysByBeginning: "The texts of a unique key are compared by their first 60 bytes.",
        caught by "keys::unique_keys_that_differ_in_any_byte_are_kept_apart";
    PrefixByBeginning: "The texts of a prefix are compared by their first 60 bytes.",
        caught by "keys::prefixes_that_differ_in_any_byte_are_kept_apart";
    PartsByBeginning: "The parts of a number are compared by their first 60 bytes.",
        caught by "keys::numbers_that_differ_in_any_byte_are_kept_apart";
    PatchTextCut: "A patch cuts texts at 60 bytes.",
        caught by "patches::a_patch_stores_texts_and_numbers_as_they_are",
            "patches::a_patch_gives_to_users_of_any_name_at_any_time";
    PatchAscii: "A patch sets question marks for characters that are not ASCII.",
        caught by "patches::a_patch_stores_texts_and_numbers_as_they_are",
            "patches::a_patch_gives_to_users_of_any_name_at_any_time";
    PatchTimesFromZero: "A patch sets times before 1970 to 0.",
        caught by "patches::a_patch_gives_to_users_of_any_name_at_any_time",
            "patches::patches_of_a_changeset_set_what_each_of_them_says";
    PatchesOfFirstKind: "Of the patches of a changeset only those of the first kind are applied.",
        caught by "patches::patches_of_a_changeset_set_what_each_of_them_says";
    PatchUnseen: "A later changeset of a batch finds a patched record as it was before.",
        caught by "patches::a_later_changeset_of_the_batch_sees_a_patch";
}
