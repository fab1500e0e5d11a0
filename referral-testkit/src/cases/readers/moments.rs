//! One read shows the store at one moment: each changeset whole or not at all.

use std::collections::BTreeSet;

use referral_core::store::{Change, Changeset, CounterRange, Family, Index, Range, Record, UniqueKey};
use referral_core::{Link, LinkId, Response};

use super::beside::{Pace, beside};
use crate::cx::Cx;
use crate::make::{
    count_any, counter, counter_of, delete, insert, natural, nobody, numbers_of, patch, statistic, tally,
    text, update, user, with_natural, words,
};

/// The labels of links, each once.
fn labels<'a>(found: impl IntoIterator<Item = &'a Record>) -> BTreeSet<String> {
    found
        .into_iter()
        .map(|record| match record {
            Record::Link(link) => link.label.as_str().to_owned(),
            other => panic!("a link was asked for: {other:?}"),
        })
        .collect()
}

/// One changeset that gives all of these links a label: in turn an update of each, and one patch of all.
fn relabelled(links: &[Link], was: i64, step: usize) -> Vec<Change> {
    let label = format!("label {step}");
    if step.is_multiple_of(2) {
        let edit = |link: &Link| update(Link { label: text(&label), ..link.clone() }, was);
        links.iter().map(edit).collect()
    } else {
        vec![patch(links.iter().map(|link| (link.id, was)), [("label", words(&label))])]
    }
}

/// A changeset updates or patches all records of a prefix. A page shows all of them before it or all of them after
/// it.
pub async fn a_page_shows_the_updates_of_a_changeset_together(cx: Cx) {
    const LINKS: usize = 12;
    let links: Vec<_> =
        (0..LINKS).map(|_| Link { owner: Some(user("ada")), label: text("first"), ..cx.link() }).collect();
    cx.insert(links.clone()).await;
    let writer = cx.clone();
    let write = move |_, mut pace: Pace| {
        let (cx, links) = (writer.clone(), links.clone());
        async move {
            for (was, step) in (1..).zip(0..cx.rounds(40)) {
                pace.step().await;
                cx.apply(relabelled(&links, was, step)).await;
            }
        }
    };
    let read = move |reader: usize| {
        let cx = cx.clone();
        async move {
            for (index, prefix) in [(Index::LinksOfOwner, nobody().text("ada")), (Index::Links, nobody())] {
                let range = Range { ascending: reader == 0, ..Range::newest() };
                let found = cx.records(index, &prefix, range, 99).await;
                assert_eq!(found.len(), LINKS, "how many links a page of {index:?} shows");
                let labels = labels(&found);
                assert_eq!(
                    labels.len(),
                    1,
                    "the links of one page have the label of one changeset: {labels:?}"
                );
            }
        }
    };
    beside(1, write, read).await;
}

/// A changeset deletes two records and inserts two others in the same prefix. A page shows two that came together.
pub async fn a_page_shows_what_comes_and_goes_together(cx: Cx) {
    let pair = |cx: &Cx, step: usize| {
        let agent = Some(text(&format!("agent {step}")));
        [(); 2].map(|()| Response { user: Some(user("eve")), agent: agent.clone(), ..cx.response() })
    };
    let here = pair(&cx, 0);
    cx.insert(here.clone()).await;
    let writer = cx.clone();
    let write = move |_, mut pace: Pace| {
        let (cx, mut here) = (writer.clone(), here.clone());
        async move {
            for step in 1..=cx.rounds(40) {
                pace.step().await;
                let next = pair(&cx, step);
                let mut changes: Vec<_> = here.iter().map(|gone| delete(gone.id, 1)).collect();
                changes.extend(next.iter().cloned().map(insert));
                changes.rotate_left(step % 4);
                cx.apply(changes).await;
                here = next;
            }
        }
    };
    let read = move |_| {
        let cx = cx.clone();
        async move {
            let found = cx.records(Index::ResponsesOfUser, &nobody().text("eve"), Range::newest(), 9).await;
            let agents: Vec<_> = found
                .iter()
                .map(|record| match record {
                    Record::Response(response) => response.agent.clone(),
                    other => panic!("a response was asked for: {other:?}"),
                })
                .collect();
            let together = matches!(agents.as_slice(), [one, other] if one == other);
            assert!(together, "a page shows two responses that came together: {agents:?}");
        }
    };
    beside(1, write, read).await;
}

/// A patch sets one label in more links than a chunk or a cursor gives at once. One call of `get` for all of them gives one label, and one of `find`
/// too.
pub async fn points_of_one_call_show_each_changeset_whole(cx: Cx) {
    const LINKS: usize = 130;
    let links: Vec<_> = (0..LINKS)
        .map(|i| Link { label: text("first"), ..with_natural(cx.link(), Some(&format!("key-{i}"))) })
        .collect();
    cx.insert(links.clone()).await;
    let ids: Vec<_> = links.iter().map(|link| link.id.into()).collect();
    let keys: Vec<UniqueKey> = (0..LINKS).map(|i| natural(&format!("key-{i}"))).collect();
    let writer = cx.clone();
    let write = move |_, mut pace: Pace| {
        let (cx, links) = (writer.clone(), links.clone());
        async move {
            for (was, step) in (1..).zip(0..cx.rounds(8)) {
                pace.step().await;
                // Patches only: an update of each takes the servers long, and asks nothing else.
                cx.apply(relabelled(&links, was, 2 * step + 1)).await;
            }
        }
    };
    let read = move |reader: usize| {
        let (cx, ids, keys) = (cx.clone(), ids.clone(), keys.clone());
        async move {
            let (what, found) = if reader == 0 {
                ("get", cx.store().get(&ids).await.expect("get"))
            } else {
                ("find", cx.store().find(&keys).await.expect("find"))
            };
            let found: Vec<_> = found.into_iter().flatten().collect();
            assert_eq!(found.len(), LINKS, "how many links {what} gives");
            let labels = labels(&found);
            assert_eq!(
                labels.len(),
                1,
                "the links of one {what} have the label of one changeset: {labels:?}"
            );
        }
    };
    beside(1, write, read).await;
}

/// Changesets move several numbers of a prefix together. One read of the prefix shows them all as one changeset left
/// them, counted and tallied ones.
pub async fn numbers_of_one_call_show_each_changeset_whole(cx: Cx) {
    const NUMBERS: usize = 6;
    let counters: Vec<_> = (0..NUMBERS).map(|i| counter_of("", "pair", &i.to_string(), 0)).collect();
    let statistics: Vec<_> = (0..NUMBERS).map(|i| statistic("pair", &i.to_string())).collect();
    let writer = cx.clone();
    let write = move |_, mut pace: Pace| {
        let (cx, counters, statistics) = (writer.clone(), counters.clone(), statistics.clone());
        async move {
            for step in 0..cx.rounds(40) {
                pace.step().await;
                // Now and then all of them come back to 0, and are not listed.
                let add = if step % 4 == 3 { -3 } else { 1 };
                let mut numbers: Vec<_> = counters.iter().map(|key| count_any(key, add)).collect();
                numbers.extend(statistics.iter().map(|key| tally(key, add)));
                numbers.rotate_left(step % 5);
                cx.apply(std::iter::once(cx.witness()).chain(numbers)).await;
            }
        }
    };
    let read = move |_| {
        let cx = cx.clone();
        async move {
            for family in [Family::LinkUses, Family::Responses] {
                let prefix = numbers_of("", family, &["pair"]);
                let found = cx.numbers(&prefix, &CounterRange::first(99)).await;
                let values: Vec<_> = found.iter().map(|(_, value)| *value).collect();
                let whole = values.is_empty() || values.len() == NUMBERS;
                let equal = values.windows(2).all(|two| two[0] == two[1]);
                assert!(whole && equal, "{family:?}: numbers that always change together: {values:?}");
            }
        }
    };
    beside(1, write, read).await;
}

/// Two records and two numbers are written in turn, each in a commit of its own. One read that shows what was written
/// second shows what was written first.
pub async fn one_read_shows_one_moment(cx: Cx) {
    let links = [(); 2].map(|()| cx.link());
    cx.insert(links.clone()).await;
    let ids: [LinkId; 2] = [links[0].id, links[1].id];
    let numbers = [counter_of("", "turn", "1", 0), counter_of("", "turn", "2", 0)];
    let writer = cx.clone();
    let write = move |_, mut pace: Pace| {
        let (cx, links, numbers) = (writer.clone(), links.clone(), numbers.clone());
        async move {
            for (was, _) in (1..).zip(0..cx.rounds(25)) {
                // Both beside one read, which may begin before the one and end behind the other.
                pace.step().await;
                for (link, number) in links.iter().zip(&numbers) {
                    cx.apply([update(link.clone(), was), count_any(number, 1)]).await;
                }
            }
        }
    };
    let read = move |reader: usize| {
        let cx = cx.clone();
        async move {
            let in_turn = |what: &str, first: i64, second: i64| {
                let fits = first == second || first == second + 1;
                assert!(fits, "{what} shows {first} writes of the first and {second} of the second");
            };
            let found = cx.store().get(&ids.map(Into::into)).await.expect("get");
            let versions: Vec<_> = found.iter().flatten().map(|link| link.version().get()).collect();
            in_turn("get", versions[0], versions[1]);
            let range = Range { ascending: reader == 0, ..Range::newest() };
            let mut found = cx.records(Index::Links, &nobody(), range, 9).await;
            found.sort_by_key(Record::id);
            let versions: Vec<_> = found.iter().map(|link| link.version().get()).collect();
            in_turn("a page", versions[0], versions[1]);
            let found =
                cx.numbers(&numbers_of("", Family::LinkUses, &["turn"]), &CounterRange::first(9)).await;
            let values: Vec<_> = found.iter().map(|(_, value)| *value).chain([0, 0]).collect();
            in_turn("a read of numbers", values[0], values[1]);
        }
    };
    beside(1, write, read).await;
}

/// A changeset writes a record and a number. Once a read has shown the one, the next read shows the other, whichever
/// way it is asked for.
pub async fn what_one_read_showed_the_next_one_shows(cx: Cx) {
    let (link, number) = (Link { owner: Some(user("ada")), ..cx.natural_link("told") }, counter("told"));
    cx.insert([link.clone()]).await;
    let id = link.id;
    let writer = cx.clone();
    let write = move |_, mut pace: Pace| {
        let (cx, link, number) = (writer.clone(), link.clone(), number.clone());
        async move {
            for (was, step) in (1..).zip(0..cx.rounds(50)) {
                pace.step().await;
                let mut batch = vec![Changeset::new([update(link.clone(), was), count_any(&number, 1)])];
                if step % 2 == 0 {
                    batch.push(Changeset::new([cx.witness()]));
                }
                let answers = cx.batch(&batch).await;
                answers.iter().for_each(crate::cx::assert_applied);
            }
        }
    };
    let read = move |reader: usize| {
        let cx = cx.clone();
        async move {
            let mut shown = 0;
            // A record at version n + 1 was written n times.
            for turn in 0..5 {
                let (what, now) = match (turn + reader) % 5 {
                    0 => ("counters", cx.number(&counter("told")).await),
                    1 => ("get", cx.version(id).await.unwrap_or_default() - 1),
                    2 => {
                        let found = cx.find(natural("told")).await;
                        ("find", found.map_or(0, |link| link.version().get()) - 1)
                    }
                    3 => {
                        let page =
                            cx.records(Index::LinksOfOwner, &nobody().text("ada"), Range::newest(), 9).await;
                        ("page", page.first().map_or(0, |link| link.version().get()) - 1)
                    }
                    _ => ("counters", cx.number(&counter("told")).await),
                };
                assert!(now >= shown, "{what} shows {now} writes after a read that showed {shown}");
                shown = now;
            }
        }
    };
    beside(1, write, read).await;
}
