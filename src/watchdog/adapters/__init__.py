"""Each adapter turns one outside thing into a port of `watchdog.ports`; adapters do not know each other."""

import sys
from types import ModuleType

# httpx loads its own command line with it, and that loads rich and pygments: 3 MB. It goes without where there is none
# in that module.
sys.modules.setdefault("httpx._main", ModuleType("httpx._main"))
