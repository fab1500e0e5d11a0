#[test]
fn a_history_of_every_step() {
    use referral_testkit::replay::*;

    replay(
        MyHarness,
        [
            commit(0, []),
            commit(1, [
                changeset([]),
                changeset([
                    links_inserted(1, 0..1000),
                    tally(number("world-1", Family::Responses, ["a", "ab"], 0), i64::MAX),
                ]),
            ]),
            commit(0, [
                changeset([
                    insert(record(Kind::Link, &[("id", uuid("00000000-0000-0100-0000-000000000001")), ("tenant", text("world-1")), ("version", int(3)), ("created_at", int(1001)), ("code", text("abc")), ("label", text("\"quoted\" \\ \n é")), ("destination", text("/")), ("status", text("active")), ("metadata", text(""))])),
                    count(number("world-1", Family::LinkUses, ["a", ""], -1), -1, i64::MIN, 3),
                ]),
            ]),
            commit(1, [
                changeset([
                    update(record(Kind::Link, &[("id", uuid("00000000-0000-0100-0000-000000000001")), ("tenant", text("world-1")), ("version", int(3)), ("created_at", int(1001)), ("code", text("abc")), ("label", text("\"quoted\" \\ \n é")), ("destination", text("/")), ("status", text("active")), ("metadata", text(""))]), 1),
                    links_patched(1, 0..999, 1),
                    counted(1, 0..2, 1),
                ]),
                changeset([
                    links_updated(1, 0..2, 2),
                    tallied(1, 0..2, 1),
                ]),
                changeset([
                    links_expected(1, 998..1000, 2),
                ]),
                changeset([
                    links_deleted(1, 2..4, 2),
                    links_inserted(1, 1000..1300),
                    links_expected(1, 4..6, 1),
                ]),
                changeset([
                    delete(Kind::Link, "00000000-0000-0100-0000-000000000001", 9),
                    expect(Kind::Alias, "00000000-0000-0200-0000-000000000001", 1),
                ]),
                changeset([
                    patch(Kind::Link, &[("00000000-0000-0100-0000-000000000001", 2)], &[("owner", null())]),
                ]),
            ]),
            page(Index::Links, "world-1", [], (Some(0), None), None, true, 1001),
            page(Index::LinksOfOwner, "world-1", [text("ada")], (None, Some(9)), Some((1, "00000000-0000-01ff-0000-000000000004")), false, 5),
            numbers("world-1", Family::LinkUses, ["n"], Some(0), None, Some(number("world-1", Family::LinkUses, ["a", ""], -1)), 1000),
            get([(Kind::Link, "00000000-0000-0100-0000-000000000001")]),
        ],
    );
}
