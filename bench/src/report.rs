//! Runs a plan and prints what came of it.

use crate::load::{self, Answers, Plan};
use crate::process::{cpu_seconds, memory_mib};

/// Runs the plan against a server and prints the figures.
pub(crate) fn run(plan: &Plan, bodies: Vec<Vec<u8>>, pid: Option<u32>) -> anyhow::Result<()> {
    let cpu_before = pid.and_then(cpu_seconds);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut answers, took) = runtime.block_on(load::run(plan, bodies))?;
    let seconds = took.as_secs_f64();
    for (status, count) in &answers.statuses {
        println!("status {status}   {count}");
    }
    let accepted = answers.statuses.get(&200).copied().unwrap_or(0);
    println!("broken       {}", answers.broken);
    println!(
        "accepted     {:.0}/s in {seconds:.2} s",
        accepted as f64 / seconds
    );
    print_latencies(&mut answers);
    if let Some(pid) = pid {
        let cpu = cpu_before
            .zip(cpu_seconds(pid))
            .map(|(before, after)| after - before);
        if let Some(cpu) = cpu {
            println!(
                "server cpu   {:.1} us per accepted event, {:.2} cores",
                cpu * 1e6 / accepted.max(1) as f64,
                cpu / seconds
            );
        }
        if let (Some(now), Some(peak)) = (memory_mib(pid, "VmRSS"), memory_mib(pid, "VmHWM")) {
            println!("server rss   {now:.0} MiB, peak {peak:.0} MiB");
        }
    }
    Ok(())
}

fn print_latencies(answers: &mut Answers) {
    let latencies = &mut answers.latencies;
    latencies.sort_by(f64::total_cmp);
    let quantile = |percent: usize| {
        let n = latencies.len() * percent / 100;
        let n = n.min(latencies.len().saturating_sub(1));
        latencies.get(n).copied().unwrap_or(0.0)
    };
    println!(
        "latency ms   p50 {:.2}  p90 {:.2}  p99 {:.2}  max {:.2}",
        quantile(50),
        quantile(90),
        quantile(99),
        quantile(100)
    );
}
