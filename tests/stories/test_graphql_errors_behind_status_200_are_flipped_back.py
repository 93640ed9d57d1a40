from town import RULES, Town, tell
from watchdog.simulator.traffic import Course

GATEWAY = (
    RULES.replace('rules      = ["error-rate",', 'rules      = ["error-rate", "graphql-errors",')
    .replace("[metrics]", '[rules.graphql-errors]\nwhen = "graphql_error_rate > 5%"\n\n[metrics]')
    .replace('preset = "fastapi"', 'preset = "express"')
    + """
[metrics.graphql_error_rate]
kind  = "ratio"
bad   = 'graphql_requests_total{namespace="{{ namespace }}", pod=~"{{ pods }}", outcome="error"}'
total = 'graphql_requests_total{namespace="{{ namespace }}", pod=~"{{ pods }}"}'
"""
)


def _colours(town: Town) -> None:
    town.behaves("gateway:v1", dialect="express", since="traffic", graphql_errors=Course.constant(0.004))
    town.behaves("gateway:v2", dialect="express", since="traffic", graphql_errors=Course.constant(0.004))
    town.furnish_colours()


def test_graphql_errors_behind_status_200_are_flipped_back_by_the_ratio_of_graphql_errors() -> None:
    async def story(town: Town) -> None:
        failing = Course.step(0.004, 0.2, after=60)
        town.behaves("gateway:v2", dialect="express", since="traffic", graphql_errors=failing)
        town.flip()
        record = await town.outcome("gateway")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert record["rules"]["graphql-errors"]["finding"] == "breach"
        assert record["rules"]["error-rate"]["finding"] == "pass"
        assert town.colour() == "blue"
        assert town.acts() == ["services/gateway"]
        assert town.told() == ["switch", "rolled-back", "recovered"]

    tell(story, _colours, rules=GATEWAY, scrape_interval=15)


def test_a_good_gateway_passes_its_rule_of_graphql_errors() -> None:
    async def story(town: Town) -> None:
        town.flip()
        record = await town.outcome("gateway")

        assert record["outcome"] == "passed"
        assert record["rules"]["graphql-errors"]["finding"] == "pass"
        assert town.acts() == []

    tell(story, _colours, rules=GATEWAY, scrape_interval=15)
