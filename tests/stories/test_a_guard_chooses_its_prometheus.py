"""Several sources: each guard's questions go to its own, with its tenant; one that is away blinds nobody else.

The town's Prometheus is the source `shop`; what the settings name is nobody.
"""

from town import NAMESPACE, RULES, Town, tell
from watchdog.simulator.traffic import Course

NOBODY = "http://127.0.0.1:1"
FAILING = Course.step(0.004, 0.5, after=30)
OF_SERVICES = '[guards.services]\nnamespaces = ["production"]\nselector   = "app.kubernetes.io/part-of=plasma-engine"'


def rules(url: str, *, source: str = "shop", tenant: str = "{{ secret.TENANT }}") -> str:
    """research asks the source, brand what the settings name."""
    both = RULES.replace(
        OF_SERVICES, f'[guards.services]\ntargets = ["{NAMESPACE}/deployment/research"]\nsource = "{source}"'
    )
    of_brand = f"""
[guards.elsewhere]
targets = ["{NAMESPACE}/deployment/brand"]
rules = ["error-rate", "crash"]
channels = ["releases"]
"""
    return f'{both}{of_brand}\n[sources.{source}]\nurl = "{url}"\nheaders = {{ X-Scope-OrgID = "{tenant}" }}\n'


async def begin(town: Town, text: str) -> None:
    town.environ["WATCHDOG_SECRET_TENANT"] = "plasma"
    town.edit_rules(text)
    await town.start(prometheus=NOBODY)


def test_each_guard_is_judged_by_its_own_and_the_other_one_being_away_hides_nothing() -> None:
    async def story(town: Town) -> None:
        await begin(town, rules(town.prometheus.url))
        town.behaves("research:bad", errors=FAILING)
        town.behaves("brand:bad", errors=FAILING)
        town.deploy("research", "research:bad")
        town.deploy("brand", "brand:bad")
        found, blind = await town.outcome("research"), await town.outcome("brand")

        assert (found["outcome"], found["recovery"]) == ("rolled-back", "recovered")
        assert blind["outcome"] == "inconclusive"
        asked = town.prometheus.requests
        assert asked
        assert {one.tenant for one in asked} == {"plasma"}
        assert not [one for one in asked if "brand" in one.query]
        assert town.metric("watchdog_prometheus_circuit_open") == 1
        assert town.metric("watchdog_prometheus_circuit_open", source="shop") in (None, 0)
        assert (town.metric("watchdog_query_seconds_count", source="shop") or 0) > 5

    tell(story, start=False)


def test_a_source_that_is_corrected_while_a_watch_is_open_is_asked_from_then_on() -> None:
    async def story(town: Town) -> None:
        await begin(town, rules(NOBODY))
        town.behaves("research:bad", errors=FAILING)
        town.deploy("research", "research:bad")
        await town.sleep(120)
        assert not town.prometheus.requests
        town.edit_rules(rules(town.prometheus.url))
        assert (await town.outcome("research"))["outcome"] == "rolled-back"

    tell(story, start=False)


def test_an_open_watch_whose_source_is_taken_away_judges_nothing_any_more() -> None:
    async def story(town: Town) -> None:
        await begin(town, rules(town.prometheus.url))
        town.behaves("research:late", errors=Course.step(0.004, 0.5, after=300))
        town.deploy("research", "research:late")
        await town.sleep(90)
        town.edit_rules(rules(town.prometheus.url, source="another"))
        await town.sleep(30)
        before = len(town.prometheus.requests)
        ended = await town.outcome("research")
        assert ended["outcome"] == "inconclusive"
        assert len(town.prometheus.requests) == before
        assert town.metric("watchdog_prometheus_circuit_open", source="shop") is None

    tell(story, start=False)


def test_an_edit_that_misspells_a_source_is_not_taken_up() -> None:
    async def story(town: Town) -> None:
        await begin(town, rules(town.prometheus.url))
        town.edit_rules(
            rules(town.prometheus.url).replace("source = ", "source= ").replace("[sources.shop]", "[sources.shp]")
        )
        await town.sleep(5)
        assert town.metric("watchdog_rules_valid") == 0
        (told,) = [notice for notice, _ in town.channels["releases"].told if notice.topic == "rules-invalid"]
        assert 'there is no source "shop"; did you mean "shp"?' in told.title

    tell(story, start=False)
