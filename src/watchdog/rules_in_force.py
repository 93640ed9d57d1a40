"""The rules that the daemon goes by: those that were valid last. An edit is taken up whole, or told of and left."""

import logging

from watchdog.adapters.notifiers import ChannelInvalid
from watchdog.adapters.prometheus.named import NamedSources
from watchdog.adapters.rules_file import RulesFile, Unreadable
from watchdog.adapters.web.metrics import Metrics
from watchdog.channels import Channels
from watchdog.configured import Settings
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice, Severity
from watchdog.domain.rules import Rulebook
from watchdog.ports import Clock
from watchdog.rulebook import RulesError, read_rules
from watchdog.sources import nobody_to_ask
from watchdog.survey.entitlements import Entitlements
from watchdog.terms import Terms

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """Something the watchdog needs is missing or wrong; one line that says what."""


class RulesInForce:
    """Read once by `begin`, and kept as the file is by `follow`. `problem` says what is wrong with the file now."""

    rulebook: Rulebook

    def __init__(self, settings: Settings, clock: Clock, channels: Channels, metrics: Metrics) -> None:
        self.problem = ""
        self._settings = settings
        self._clock = clock
        self._channels = channels
        self._metrics = metrics
        self._file = RulesFile(settings.rules, clock)
        self._text = ""

    def begin(self) -> Rulebook:
        """The rules to start with. Raises `CannotStart`, `RulesError` or `ChannelInvalid`."""
        text = self._file.read()
        if isinstance(text, Unreadable):
            raise CannotStart(text.reason)
        rulebook = self._take(text)
        self._metrics.rules_valid(True)
        return rulebook

    async def follow(self, terms: Terms, sources: NamedSources, entitlements: Entitlements) -> None:
        """Take up each edit, until cancelled."""
        async for text in self._file.changes(self._text):
            before = self._channels.notifiers
            problem = text.reason if isinstance(text, Unreadable) else self._problem_of(text)
            self.problem = problem
            self._metrics.rules_valid(not problem)
            if problem:
                self._tell(terms, problem)
                continue
            sources.take(self.rulebook.sources)
            terms.rules_changed(self.rulebook)
            entitlements.ask_again()
            facts = {"digest": self.rulebook.digest, "guards": len(self.rulebook.guards)}
            log.info("rules taken up", extra={"facts": facts})
            # A notice that one of them was sending is tried again through its successor.
            for notifier in before.values():
                await notifier.close()
            await sources.release()

    def _problem_of(self, text: str) -> str:
        """Take up an edit; returns what is wrong with it, or ""."""
        try:
            self._take(text)
        except (CannotStart, RulesError, ChannelInvalid) as error:
            return str(error)
        return ""

    def _take(self, text: str) -> Rulebook:
        rulebook = read_rules(text, str(self._settings.rules))
        if nobody := nobody_to_ask(rulebook, self._settings):
            raise CannotStart(nobody)
        self._channels.take(rulebook)
        self._text, self.rulebook = text, rulebook
        return rulebook

    def _tell(self, terms: Terms, problem: str) -> None:
        log.error("rules invalid, the last valid ones stay in force", extra={"facts": {"why": problem}})
        lines = tuple(problem.splitlines())
        title = f"{self._settings.rules} is invalid ({lines[0]}); the last valid rules stay in force"
        now = self._clock.now()
        notice_id = f"rules-invalid/{now.isoformat()}"
        terms.announce(Notice(notice_id, Topic.RULES_INVALID, Severity.WARNING, "", "rules.toml", title, lines, now))
