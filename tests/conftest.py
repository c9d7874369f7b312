"""The stories import the kit: `from kit import ...`."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
