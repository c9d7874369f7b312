"""What the source checks share: the C files of the tree, and their code with
comments and the insides of literals blanked, line by line as in the file."""

import re
import subprocess
import sys

TOP_FOLDERS = ("engine", "api", "cli", "templates", "tests")

_SKIPPED = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S
)


def _blank(match):
    text = match.group(0)
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[0]
    return re.sub(r"[^\n]", " ", text)


def code_of(text):
    """The text with comments and literals blanked; same lines and columns."""
    return _SKIPPED.sub(_blank, text)


def files(arguments):
    """The files named on the command line, else all that git knows of."""
    if arguments:
        return arguments
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h"],
        check=True, capture_output=True, text=True,
    ).stdout.split("\n")
    return [f for f in listed if f.split("/")[0] in TOP_FOLDERS]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def finish(name, complaints, n_files):
    """Prints the complaints; the exit status says whether there were any."""
    for complaint in complaints:
        print(complaint)
    if complaints:
        sys.exit(f"{name}: {len(complaints)} complaints")
    print(f"ok   {name} ({n_files} files)")
