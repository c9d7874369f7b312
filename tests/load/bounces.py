"""What reading bounce mail costs, and how much of it is understood.

bounces  reports read and classified a second by one core
"""

import pathlib
import subprocess
import sys

from kit import places

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "bounce"))
import corpora  # pylint: disable=wrong-import-position


def understood():
    """Percent of the recipients found in each folder of bounces, if the
    corpora are here."""
    if not corpora.CORPORA.is_dir():
        return {}
    scores = {"sisimai": corpora.score_sisimai(),
              "flufl": corpora.score_flufl(), "mdsbp": corpora.score_mdsbp()}
    return {f"recipients found, {name} %": 100 * score.share("recipients")
            for name, score in scores.items()}


def run(say):
    say("reading 50,000 reports of four kinds")
    said = subprocess.run([places.BUILD / "load/bounce_speed"], check=True,
                          capture_output=True, text=True).stdout
    name, value, _ = said.split()
    assert name == "bounces"
    return {"bounces": float(value), **understood()}
