"""python3 -m load.bench [FIGURE], in tests/: measures Presort on this machine.

Prints one line `name value unit` per figure: the median of BENCH_RUNS (3)
runs. What is done, and each run's values, go to stderr. All servers run here,
on loopback; a ratio's two sides are measured in the same run.
"""

import os
import statistics
import sys

from . import (bounces, campaign, connections, inbound, liquid, machine,
               million, queue_cost, signed, singles, suppression, tls, tracked)

# A scenario measures one or several figures in one run.
SCENARIOS = (
    (campaign.run, {"campaign_ratio": "x", "worker_us_per_mail": "us"}),
    (signed.run, {"campaign_ratio_ed25519": "x",
                  "campaign_ratio_rsa2048": "x"}),
    (tls.run, {"tls_ratio": "x"}),
    (connections.run, {"connections_rss": "MB",
                       "worker_connections_rss": "MB"}),
    (tracked.run, {"campaign_ratio_tracked": "x"}),
    (suppression.run, {"suppression_ratio": "x"}),
    (singles.run, {"api_single_durable": "requests/s"}),
    (million.run, {"recipients_upload": "lines/s", "first_mail_1m": "s",
                   "worker_rss": "MB", "transactional_p99_ms": "ms"}),
    (queue_cost.run, {"queue_us_per_mail_10k": "us",
                      "queue_us_per_mail_2m": "us",
                      "queue_growth": "x"}),
    (bounces.run, {"bounces": "mails/s"}),
    (inbound.run, {"inbound_settled": "mails/s",
                   "inbound_settled_one_core": "mails/s"}),
    (liquid.run, {"render_us": "us"}),
)


def say(text):
    print(text, file=sys.stderr, flush=True)


def measure(run, figures, runs):
    """Each figure's values, run by run. A scenario may report more than its
    figures: what they were made of."""
    seen = {}
    for number in range(1, runs + 1):
        values = run(say)
        say(f"run {number} of {runs}: " + ", ".join(
            f"{name} {value:.4g}" for name, value in values.items()))
        for name, value in values.items():
            seen.setdefault(name, []).append(value)
    missing = set(figures) - set(seen)
    if missing:
        raise RuntimeError(f"not measured: {', '.join(sorted(missing))}")
    return seen


def main(wanted):
    runs = int(os.environ.get("BENCH_RUNS", "3"))
    scenarios = [(run, figures) for run, figures in SCENARIOS
                 if not wanted or any(name.startswith(wanted)
                                      for name in figures)]
    if not scenarios:
        known = [name for _, figures in SCENARIOS for name in figures]
        sys.exit(f"bench: no figure {wanted}; there are {', '.join(known)}")
    say(machine.description())
    for run, figures in scenarios:
        seen = measure(run, figures, runs)
        for name, unit in figures.items():
            if name.startswith(wanted):
                print(f"{name} {statistics.median(seen[name]):.4g} {unit}",
                      flush=True)
        for name in seen.keys() - figures.keys():
            say(f"{name} {statistics.median(seen[name]):.4g} (median)")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
