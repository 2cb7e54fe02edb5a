// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is counted and kept, sorted, filtered, and stepped back to.

use super::{
    state::{
        columns::Column,
        filter::Filter,
        history::Fading,
        who::{Party, Peer},
    },
    *,
};

fn processes(state: &State) -> Vec<String> {
    let rows = state.rows();
    let name = |row: &Rc<state::conversation::Row>| {
        let process = row.who.party.process();
        process.map_or_else(String::new, |(name, pid)| format!("{name}[{pid}]"))
    };
    rows.iter().map(name).collect()
}

#[test]
fn a_conversation_is_a_process_with_a_protocol_and_a_peer() {
    let state = some();
    let rows = state.rows();
    assert_eq!(
        rows.len(),
        12,
        "greet-user, NetworkManager, and ten times ip"
    );
    let found = rows.iter().find(|row| {
        let process = row.who.party.process();
        process.is_some_and(|(name, pid)| name == "NetworkManager" && pid == 1_234)
    });
    let row = found.expect("it is there");
    assert_eq!((row.who.protocol, row.who.peer), (31, Peer::Kernel));
    assert_eq!(row.tally.messages, 6, "three requests and their answers");
    assert_eq!((row.tally.exchanges, row.tally.refused()), (3, 3));
    assert_eq!((row.tally.overruns, row.tally.lost()), (3, 3));
    assert_eq!(row.total, Some([80_000; 3]));
    let totals = state.moment().expect("a table").totals;
    let sum: u64 = rows.iter().map(|row| row.tally.messages).sum();
    assert_eq!(totals.tally.messages, sum);
}

#[test]
fn what_was_counted_for_a_port_is_its_readers() {
    // A notification, queued before its reader was known.
    let [message, _, delivery] = of(b"monitor", 40, 1, BEGAN);
    let other = of(b"monitor", 40, 2, BEGAN + SECOND);
    let mut events = vec![message, delivery];
    events.extend(other);
    let state = told(events, Limits::LIVE);
    let rows = state.rows();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(matches!(rows[0].who.party, Party::Process(_, 40)));
    assert_eq!((rows[0].tally.messages, rows[0].tally.exchanges), (3, 2));
    // One that was not read.
    let [message, ..] = of(b"monitor", 41, 1, BEGAN);
    let state = told([message, overrun(41, BEGAN + SECOND)], Limits::LIVE);
    let rows = state.rows();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0].who.party, Party::Port(41));
    assert_eq!((rows[0].tally.messages, rows[0].tally.overruns), (1, 1));
}

#[test]
fn every_column_sorts_both_ways() {
    let mut state = some();
    assert_eq!(
        processes(&state)[0],
        "greet-user[71]",
        "the busiest comes first"
    );
    for _ in Column::ALL {
        press(&mut state, ">");
        let one = processes(&state);
        press(&mut state, "r");
        let other = processes(&state);
        press(&mut state, "r");
        assert_eq!(one.len(), other.len());
        assert_eq!(processes(&state), one);
    }
    assert_eq!(state.column, Column::Rate, "all the way round");
    state.column = Column::Process;
    assert_eq!(processes(&state)[0], "NetworkManager[1234]");
    state.is_reversed = true;
    assert_eq!(processes(&state)[0], "ip[90027]");
    state.column = Column::Refused;
    state.is_reversed = false;
    assert_eq!(processes(&state)[0], "NetworkManager[1234]");
}

#[test]
fn a_filter_leaves_out_what_does_not_fit() {
    let mut state = some();
    for (text, count) in [
        ("", 12),
        ("ip", 10),
        ("ip[90003", 1),
        ("process:NETWORK", 1),
        ("pid:71", 1),
        ("protocol:31", 12),
        ("protocol:greet peer:kernel", 12),
        ("protocol:route", 0),
        ("peer:4711", 0),
        ("netns:4026531840", 12),
        ("netns:1", 0),
        ("status:refused", 1),
        ("status:answered ip", 10),
        ("nobody", 0),
    ] {
        state.filter = Filter::parse(text).expect(text);
        assert_eq!(state.rows().len(), count, "{text}");
    }
    for (text, said) in [
        ("pid:x", "`x` is not a number"),
        ("status:gone", "no status `gone`; known: answered"),
        ("colour:red", "unknown field `colour`"),
        ("protocol:rout", "did you mean `route`?"),
    ] {
        let error = Filter::parse(text).expect_err(text);
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn a_filter_and_a_search_are_typed() {
    let mut state = some();
    press(&mut state, "fstatus:refsed\n");
    let shown = drawn(&mut state, (100, 30), true);
    assert!(shown.contains("no status `refsed`"), "{shown}");
    assert_eq!(state.rows().len(), 12, "not applied");
    press(&mut state, "\x1b");
    press(&mut state, "fip\n");
    assert_eq!(state.rows().len(), 10);
    press(&mut state, "\x1b");
    assert_eq!(state.rows().len(), 12, "taken away");
    press(&mut state, "/network\n");
    let rows = state.rows();
    let (_, row) = state.row(&rows).expect("one is selected");
    assert_eq!(row.who.party.process().expect("a process").1, 1_234);
    press(&mut state, "/nobody\n");
    assert!(
        state
            .notice
            .as_deref()
            .is_some_and(|text| text.contains("no conversation"))
    );
    press(&mut state, "2/seq 4\n");
    let kept = state.exchanges(row);
    let (at, found) = state.exchange(&kept).expect("an exchange");
    assert_eq!((at, found.exchange.seq()), (2, Some(4)));
}

#[test]
fn time_can_be_stepped_back() {
    let mut state = some();
    let messages = |state: &State| state.moment().expect("a table").totals.tally.messages;
    let all = messages(&state);
    let rows = state.rows();
    let newest = state.exchanges(state.row(&rows).expect("a row").1).len();
    press(&mut state, "[");
    let (since_ns, at_ns) = state.paused().expect("it stands still");
    assert!(at_ns < since_ns);
    press(&mut state, "[[[[");
    let before = messages(&state);
    assert!(before < all, "{before} {all}");
    let rows = state.rows();
    let row = rows
        .iter()
        .find(|row| row.tally.exchanges > 50)
        .expect("greet-user");
    let kept = state.exchanges(row);
    assert!(!kept.is_empty() && kept.len() < newest);
    assert!(
        kept.iter()
            .all(|kept| kept.ended_ns <= state.paused().expect("still").1)
    );
    let shown = drawn(&mut state, (120, 40), true);
    assert!(shown.contains("s back"), "{shown}");
    // What happens meanwhile is counted, and shown later.
    state.model.update(&Update::Exchange(Rc::default()));
    state.refresh();
    assert_eq!(messages(&state), before);
    press(&mut state, "]]]]]]]]]]");
    assert_eq!(messages(&state), all);
    for _ in 0..100 {
        press(&mut state, "[");
    }
    assert_eq!(state.notice.as_deref(), Some("nothing earlier is kept"));
    press(&mut state, " ");
    assert_eq!((state.paused(), messages(&state)), (None, all));
    assert_eq!(state.moment().expect("live").totals.tally.exchanges, 129);
}

#[test]
fn memory_is_bounded_and_what_goes_is_counted() {
    let limits = Limits {
        conversations: 8,
        exchanges: 5,
        bytes: 1 << 30,
        fading: Fading::Oldest,
    };
    let greetings = (0..1_000_u32).flat_map(|number| {
        let pid = 100 + number % 50;
        of(b"many", pid, number, BEGAN + u64::from(number) * 1_000_000)
    });
    let state = told(greetings, limits);
    let totals = state.moment().expect("a table").totals;
    let rows = state.rows();
    assert_eq!(rows.len(), 8);
    assert!(rows.iter().all(|row| state.exchanges(row).len() <= 5));
    let kept: usize = rows.iter().map(|row| state.exchanges(row).len()).sum();
    assert_eq!(totals.tally.exchanges, 1_000, "of all there were");
    assert_eq!(totals.released + kept as u64, 1_000);
    assert_eq!(totals.forgotten, 1_000 - 8, "each came back as a new one");
    let limits = Limits {
        bytes: 20_000,
        exchanges: usize::MAX,
        conversations: 100,
        ..limits
    };
    let greetings = (0..1_000_u32).flat_map(|number| {
        of(
            b"many",
            100 + number % 50,
            number,
            BEGAN + u64::from(number) * 1_000_000,
        )
    });
    let state = told(greetings, limits);
    let rows = state.rows();
    let kept: Vec<_> = rows.iter().flat_map(|row| state.exchanges(row)).collect();
    assert!((5..40).contains(&kept.len()), "{}", kept.len());
    assert!(kept.iter().all(|kept| kept.number > 950), "the last ones");
}
