"""What the engine needs of the outside, as protocols; `watchdog.adapters` fulfils them, `watchdog.app` wires them."""

from watchdog.ports.basics import Clock, OutOfReach, TooLarge
from watchdog.ports.cluster import Configurations, EventSink, Owners, TrafficProvider
from watchdog.ports.keeping import Braking, Document, Journal, Keeping, Kept, Leadership, Marks, in_full, of_watch
from watchdog.ports.measuring import MetricCatalog, MetricSource, MetricSources, Prober
from watchdog.ports.telling import NotDelivered, Notifier

__all__ = [
    "Braking",
    "Clock",
    "Configurations",
    "Document",
    "EventSink",
    "Journal",
    "Keeping",
    "Kept",
    "Leadership",
    "Marks",
    "MetricCatalog",
    "MetricSource",
    "MetricSources",
    "NotDelivered",
    "Notifier",
    "OutOfReach",
    "Owners",
    "Prober",
    "TooLarge",
    "TrafficProvider",
    "in_full",
    "of_watch",
]
