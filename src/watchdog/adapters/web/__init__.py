"""What the watchdog shows over HTTP: whether it is well, its metrics, its watches."""

from watchdog.adapters.web.access import ServerCertificate
from watchdog.adapters.web.metrics import Metrics
from watchdog.adapters.web.news import News
from watchdog.adapters.web.server import CannotListen, Document, WebServer
from watchdog.adapters.web.site import Site

__all__ = ["CannotListen", "Document", "Metrics", "News", "ServerCertificate", "Site", "WebServer"]
