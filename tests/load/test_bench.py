"""make bench works: one small run, for its form, not for its figures."""

import os
import re
import subprocess
import sys

from kit import places


def bench(*names, **settings):
    return subprocess.run(
        [sys.executable, "-m", "load.bench", *names], cwd=places.TOP / "tests",
        env=dict(os.environ, BENCH_RUNS="1", **settings), timeout=120,
        capture_output=True, text=True, check=False)


def test_one_line_per_figure():
    run = bench("worker_us_per_mail", BENCH_RECIPIENTS="2000")
    assert run.returncode == 0, run.stderr
    assert re.fullmatch(r"worker_us_per_mail [\d.e+]+ us\n", run.stdout)
    assert "campaign_ratio" in run.stderr


def test_unknown_figure():
    run = bench("speed")
    assert run.returncode == 1
    assert "no figure speed; there are campaign_ratio" in run.stderr
