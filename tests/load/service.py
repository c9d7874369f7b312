"""A whole Presort for a benchmark: that of the stories, with as many workers
as there are cores, and the campaign that is measured."""

import os
import pathlib

from kit.presort import Presort

HERE = pathlib.Path(__file__).parent


def standard_html():
    return (HERE / "news.html").read_text(encoding="utf-8")


class Service(Presort):
    """relay is a port of 127.0.0.1. The campaign's HTML may be another."""

    def __init__(self, relay, html=None, **settings):
        super().__init__(relay, **{"workers": os.cpu_count(),
                                   "api_rate_limit_per_second": 1000000,
                                   **settings})
        self.html = html or standard_html()

    def workers(self):
        return self.pids("presort-engine")

    def market_campaign(self, recipients):
        """A campaign of the 4 KB mail; recipients is a CSV file's path.
        Returns its id and the counts of the upload."""
        campaign = self.ask("POST", "/campaigns", {
            "name": "market", "from": "The Market <letters@market.example>",
            "subject": "{{ first_name }}, the market opens on Saturday",
            "html": self.html,
            "text": (HERE / "news.txt").read_text(encoding="utf-8")})["id"]
        return campaign, self.ask("POST", f"/campaigns/{campaign}/recipients",
                                  recipients.read_bytes(), "text/csv")
