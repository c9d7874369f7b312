"""Scores are printed at the end of the run, so that a change shows."""

import pytest

SCORES = []


@pytest.fixture
def record_score():
    return lambda name, score: SCORES.append((name, score.lines()))


def pytest_terminal_summary(terminalreporter):
    if not SCORES:
        return
    terminalreporter.section("bounces understood")
    for name, lines in SCORES:
        terminalreporter.write_line(f"{name}: " + ", ".join(lines))
