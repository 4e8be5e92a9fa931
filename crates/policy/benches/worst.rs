//! What a draft costs at worst: each operation repeated until the limits stop it.
//!
//! `cargo bench -p avouch-policy --bench worst [NAME]` prints processor time, peak memory and what
//! stopped it, the most expensive first. It fails if one is far beyond the promise of
//! `docs/policy.md`; a busy machine is allowed for.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise"
)]

#[path = "../tests/cost/worst.rs"]
mod worst;

use avouch_policy::{Limits, Policy};
use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The least of so many runs counts.
const RUNS: usize = 3;
/// The promise, in milliseconds and MiB; four times the time for a slow or busy machine.
const PROMISED_MS: f64 = 10.0;
const SLOW: f64 = 4.0;
const PROMISED_MIB: f64 = 16.0;

struct Row {
    name: &'static str,
    ms: f64,
    mib: f64,
    end: String,
}

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let mut rows: Vec<Row> = worst::cases()
        .iter()
        .filter(|case| wanted.as_ref().is_none_or(|wanted| case.name.contains(wanted)))
        .map(measure)
        .collect();
    rows.sort_by(|left, right| right.ms.total_cmp(&left.ms));
    println!("{:<50} {:>8} {:>8}  end", "draft", "ms", "MiB");
    for row in &rows {
        println!("{:<50} {:>8.2} {:>8.2}  {}", row.name, row.ms, row.mib, row.end);
    }
    for row in &rows {
        assert!(row.ms <= PROMISED_MS * SLOW, "{} took {:.1} ms", row.name, row.ms);
        assert!(row.mib <= PROMISED_MIB, "{} took {:.1} MiB", row.name, row.mib);
    }
}

fn measure(case: &worst::Case) -> Row {
    let mut row = Row { name: case.name, ms: f64::MAX, mib: 0.0, end: String::new() };
    for _ in 0..RUNS {
        // Claims made anew, as a request does: nothing is known of their documents.
        let claims: Vec<_> = case
            .claims
            .iter()
            .map(|claim| match &claim.value {
                avouch_policy::Value::String(text) => {
                    avouch_policy::Claim::service(&*claim.claim_type, text.as_str())
                }
                _ => claim.clone(),
            })
            .collect();
        ALLOCATOR.reset_peak_usage();
        let (before, begin) = (ALLOCATOR.current_usage(), cpu_ms());
        let end = draft(&case.policy, &claims);
        row.ms = row.ms.min(cpu_ms() - begin);
        row.mib = (ALLOCATOR.peak_usage() - before) as f64 / f64::from(1 << 20);
        row.end = end;
    }
    row
}

fn draft(text: &str, claims: &[avouch_policy::Claim]) -> String {
    let limits = Limits::draft();
    let policy = match Policy::compile(text, &limits) {
        Ok(policy) => policy,
        Err(errors) => return format!("refused: {}", errors.first().unwrap().slug),
    };
    let left = limits.without(policy.cost());
    match policy.evaluate(claims, &left) {
        Ok(outcome) => format!("{} steps", policy.cost().saturating_add(outcome.cost).steps),
        Err(error) => error.message,
    }
}

/// Processor time of this thread.
fn cpu_ms() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}
