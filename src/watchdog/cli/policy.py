"""`watchdog check --network-policy`."""

from pathlib import Path

import click

from watchdog.cli.common import fail, read_rules_text, settings_or_exit
from watchdog.domain.sources import DEFAULT
from watchdog.rulebook import RulesError, read_rules
from watchdog.survey.network_policy import as_yaml


def print_network_policy(file: Path | None, namespace: str | None) -> None:
    """Print the policy for the rules of `file`; 1 where they are invalid, 2 where no Prometheus is named."""
    settings = settings_or_exit(namespace=namespace)
    path = file if file is not None else settings.rules
    try:
        rulebook = read_rules(read_rules_text(path), str(path))
    except RulesError as error:
        for line in str(error).splitlines():
            click.echo(f"watchdog: {line}", err=True)
        raise SystemExit(1) from None
    if settings.prometheus_url is None and DEFAULT in rulebook.asked:
        fail("WATCHDOG_PROMETHEUS_URL is not set; write the URL of Prometheus as the watchdog will have it", 2)
    click.echo(as_yaml(rulebook, settings.namespace, settings.prometheus_url, settings.listen.port), nl=False)
