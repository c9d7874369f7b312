"""What rendering a newsletter costs, once its template is compiled."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "bench"
OWN = pathlib.Path(__file__).parent


def run(say):
    template = SHARED / "news.liquid"
    if not template.exists():
        template = OWN / "news.liquid"
        say(f"{SHARED} is absent: measuring {template.name} of our own")
    ran = subprocess.run([str(ROOT / "build" / "load" / "liquid_bench"),
                          str(template), str(template.with_suffix(".json"))],
                         capture_output=True, text=True, check=True)
    values = {name: float(value) for name, value in
              (line.split() for line in ran.stdout.splitlines())}
    if values["render_heap_bytes"] > 0:
        raise RuntimeError("a warm render took memory from the heap")
    return values
