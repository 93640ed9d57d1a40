"""The pages: pure functions from records to HTML text. They ask nobody, and link to nothing that can change a thing."""

from watchdog.adapters.web.pages.filters import Filter
from watchdog.adapters.web.pages.health import Fact, Health
from watchdog.adapters.web.pages.markup import ICON, icon_path, script, script_path, style_path
from watchdog.adapters.web.pages.missing import missing_page
from watchdog.adapters.web.pages.overview import Overview, status_page
from watchdog.adapters.web.pages.picture import picture, picture_policy
from watchdog.adapters.web.pages.style import STYLE
from watchdog.adapters.web.pages.watch import Setting, watch_page

__all__ = [
    "ICON", "STYLE", "Fact", "Filter", "Health", "Overview", "Setting", "icon_path", "missing_page", "picture",
    "picture_policy", "script", "script_path", "status_page", "style_path", "watch_page",
]  # fmt: skip
