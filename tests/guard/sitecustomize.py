"""Python runs this first in every process that a test starts: the guard holds there too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))

from tests.loopback import watch

watch()
