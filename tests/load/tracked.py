"""The campaign of load/campaign with all that a marketer's mail has: ten links
that are tracked, three of them written by the template, the open pixel, and
the header fields for unsubscribing.

campaign_ratio_tracked: as campaign_ratio, against smtp-source.
"""

from kit import bench_tools

from .campaign import RECIPIENTS, campaign_rate
from .service import Service, standard_html

LINKS = "".join(
    f'<a href="https://market.example/stall/{n}?from=news&amp;stall={n}">'
    f"Stall {n}</a>\n" for n in range(7)) + "".join(
    f'<a href="https://market.example/basket/{{{{ basket }}}}/{n}">Your basket'
    "</a>\n" for n in range(3))


def run(say):
    html = standard_html().replace("</body>", f"<p>{LINKS}</p></body>")
    with bench_tools.smtp_sink(backlog=1000) as port:
        source = bench_tools.smtp_source(port, RECIPIENTS)
        with Service(port, public_url="https://t.market.example",
                     html=html) as presort:
            ours, cpu_us = campaign_rate(presort)
    return {"campaign_ratio_tracked": ours / source,
            "worker_us_tracked": cpu_us, "smtp_source_rate": source}
