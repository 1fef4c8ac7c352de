"""`python -m mpgg_agents` is the `mpgg` command."""

import sys

from mpgg_agents.cli import main

sys.exit(main())
