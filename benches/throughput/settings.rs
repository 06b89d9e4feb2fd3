//! What the command line says: which tables, which programs, how much.

use std::time::Duration;

use crate::Outcome;
use crate::candidate::Kind;
use crate::load::Plan;

const USAGE: &str = "write [bare] [drop] [andon] [row=PREFIX] for the table of throughput, \
    only=throughput|storm|mappings|backlog|growth|actions|idle for one table, and \
    rounds=N seconds=N storm=SIGNALS backlog=ROWS alerts=N actions=N for how much";

/// The tables, in the order in which they are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Throughput,
    Storm,
    Mappings,
    Backlog,
    Growth,
    Actions,
    Idle,
}

impl Table {
    const ALL: [(&str, Self); 7] = [
        ("throughput", Self::Throughput),
        ("storm", Self::Storm),
        ("mappings", Self::Mappings),
        ("backlog", Self::Backlog),
        ("growth", Self::Growth),
        ("actions", Self::Actions),
        ("idle", Self::Idle),
    ];
}

pub struct Settings {
    pub tables: Vec<Table>,
    /// The programs of the first table.
    pub kinds: Vec<Kind>,
    /// How the wanted rows of the first table begin.
    pub row: Option<String>,
    /// How often each thing is measured; the tables show medians.
    pub rounds: usize,
    /// How long a load lasts.
    pub lasts: Duration,
    /// Signals of the long storm.
    pub storm: usize,
    /// Rows that wait for a destination.
    pub backlog: usize,
    /// Open alerts at most.
    pub alerts: usize,
    /// Actions asked for.
    pub actions: usize,
}

impl Settings {
    pub fn parse(arguments: &[&str]) -> Outcome<Self> {
        let mut settings = Self {
            tables: Vec::new(),
            kinds: Vec::new(),
            row: None,
            rounds: 3,
            lasts: Duration::from_secs(5),
            storm: 1_000_000,
            backlog: 200_000,
            alerts: 1_000_000,
            actions: 200,
        };
        for argument in arguments {
            match argument.split_once('=') {
                None => settings.kinds.push(
                    Kind::ALL
                        .into_iter()
                        .find(|kind| kind.name() == *argument)
                        .ok_or_else(|| unknown(argument))?,
                ),
                Some(("only", name)) => settings.tables.push(
                    Table::ALL
                        .into_iter()
                        .find_map(|(known, table)| (known == name).then_some(table))
                        .ok_or_else(|| unknown(argument))?,
                ),
                Some(("row", prefix)) => settings.row = Some(prefix.to_owned()),
                Some(("rounds", count)) => settings.rounds = at_least_one(argument, count)?,
                Some(("storm", count)) => settings.storm = at_least_one(argument, count)?,
                Some(("backlog", count)) => settings.backlog = at_least_one(argument, count)?,
                Some(("alerts", count)) => settings.alerts = at_least_one(argument, count)?,
                Some(("actions", count)) => settings.actions = at_least_one(argument, count)?,
                Some(("seconds", count)) => {
                    let seconds = u64::try_from(at_least_one(argument, count)?)?;
                    settings.lasts = Duration::from_secs(seconds);
                }
                Some(_) => return Err(unknown(argument)),
            }
        }
        if settings.tables.is_empty() {
            // Programs and rows are those of the first table: who names some wants that.
            let whole = settings.kinds.is_empty() && settings.row.is_none();
            let shown = if whole { Table::ALL.len() } else { 1 };
            settings.tables = Table::ALL
                .into_iter()
                .take(shown)
                .map(|(_, table)| table)
                .collect();
        }
        // In their own order whatever was named first: the yardstick is the first.
        let named = std::mem::take(&mut settings.kinds);
        settings.kinds = Kind::ALL.to_vec();
        settings
            .kinds
            .retain(|kind| named.is_empty() || named.contains(kind));
        Ok(settings)
    }

    /// The plan for as long as the command line says.
    pub fn lasting(&self, plan: &Plan) -> Plan {
        Plan {
            lasts: self.lasts,
            ..plan.clone()
        }
    }
}

fn at_least_one(argument: &str, count: &str) -> Outcome<usize> {
    match count.parse() {
        Ok(0) | Err(_) => Err(unknown(argument)),
        Ok(count) => Ok(count),
    }
}

fn unknown(argument: &str) -> Box<dyn std::error::Error> {
    format!("`{argument}` is not understood: {USAGE}").into()
}
