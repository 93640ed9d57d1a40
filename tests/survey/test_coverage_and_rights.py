"""`check --live`: what the guards cover, and what the API server would refuse."""

from collections.abc import Callable

import pytest

from survey.scenes import SECRETS, checked, line_of, of, problems
from town import NAMESPACE, OWN, PART_OF, RULES, Town, tell
from watchdog.adapters.kubernetes.client import connect
from watchdog.adapters.kubernetes.rights import RIGHTS, Where
from watchdog.rulebook import check_rules
from watchdog.simulator.access import Rule
from watchdog.survey.findings import Finding, Kind, Level
from watchdog.survey.rights import missing_rights

SECOND = """
[guards.research]
targets = ["production/deployment/research"]
rules = ["error-rate"]
channels = ["releases"]
"""


def found(kind: Kind, rules: str = RULES, furnish: Callable[[Town], None] | None = None) -> list[Finding]:
    findings: list[Finding] = []

    async def look(here: Town) -> None:
        findings.extend(of(kind, await checked(here, rules)))

    tell(look, furnish or (lambda here: here.furnish("research")), rules=rules, start=False)
    return findings


def granted(leave_out: Callable[[str, str, Where], bool] = lambda *_: False) -> list[Rule]:
    """The table of rights as the rules of a Role, without some."""
    return [
        Rule(
            [right.verb],
            [right.full_resource],
            [right.group],
            [NAMESPACE if right.where is Where.GUARDED else OWN],
            [right.name] if right.name else [],
        )
        for right in RIGHTS
        if not leave_out(right.verb, right.full_resource, right.where)
    ]


def test_two_guards_on_one_target_are_told_on_the_line_of_the_second() -> None:
    (finding,) = found(Kind.TWO_GUARDS, RULES + SECOND)
    assert finding.level is Level.ERROR
    assert finding.text == (
        "production/deployment/research: guards services and research both cover it, so neither acts on it; "
        "let one of them leave it out"
    )
    assert finding.line == line_of("targets =", RULES + SECOND)


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("app.kubernetes.io/part-of=plasma-engin", "did you mean app.kubernetes.io/part-of=plasma-engine?"),
        ("app.kubernetes.io/partof=plasma-engine", "did you mean app.kubernetes.io/part-of?"),
        ("app.kubernetes.io/part-of=zzz", "app.kubernetes.io/part-of is plasma-engine there"),
    ],
)
def test_a_guard_that_selects_nothing_is_told_what_it_may_have_meant(written: str, remedy: str) -> None:
    rules = RULES.replace("app.kubernetes.io/part-of=plasma-engine", written)
    (finding,) = found(Kind.GUARDS_NOTHING, rules)
    assert finding.level is Level.ERROR
    assert "guard services guards nothing: none of the 2 Deployments and Services in production" in finding.message
    assert remedy in finding.remedy
    assert finding.line == line_of("selector   =", rules)


def test_a_target_that_is_not_there_is_told_with_the_nearest_that_is() -> None:
    rules = RULES + SECOND.replace("deployment/research", "deployment/reserach")
    (finding,) = found(Kind.GUARDS_NOTHING, rules)
    assert finding.message == "guard research guards production/deployment/reserach, which is not there"
    assert finding.remedy == "did you mean production/deployment/research?"
    assert finding.line == line_of("targets =", rules)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"selector": {"app": "nobody"}}, "it selects the pods of no Deployment"),
        ({"selector": {"tier": "web"}}, "it selects the pods of several Deployments (brand, research)"),
        ({"type": "ExternalName", "externalName": "example.com"}, "it is an ExternalName"),
        ({"ports": [{"port": 80}]}, "it has no selector"),
    ],
    ids=["nothing", "several", "external", "none"],
)
def test_a_service_whose_switches_cannot_be_seen_is_refused(spec: dict[str, object], why: str) -> None:
    def furnish(here: Town) -> None:
        for name in ("research", "brand"):
            pods = {"app": name, "tier": "web"}
            here.cluster.deploy(NAMESPACE, name, f"{name}:v1", replicas=1, labels=PART_OF, pod_labels=pods)
        body = {"metadata": {"name": "front", "labels": dict(PART_OF)}, "spec": {"ports": [{"port": 80}], **spec}}
        here.cluster.create("services", NAMESPACE, body)

    (finding,) = found(Kind.NOT_GUARDABLE, furnish=furnish)
    assert finding.level is Level.ERROR
    assert finding.targets == ("production/service/front",)
    assert why in finding.message


def test_an_idle_colour_is_not_looked_at_and_its_service_is() -> None:
    async def look(here: Town) -> None:
        assert problems(await checked(here)) == []
        asked = " ".join(request.query for request in here.prometheus.requests)
        assert "gateway-blue" in asked
        assert "gateway-green" not in asked

    tell(look, lambda here: here.furnish_colours(), start=False)


async def looked_as(here: Town, rules: list[Rule]) -> list[Finding]:
    token = here.cluster.user("ci", rules)
    return [*await checked(here, kubeconfig=here.cluster.kubeconfig(here.folder / "ci", token))]


def test_a_right_that_is_missing_is_named_with_its_verb_resource_and_namespace() -> None:
    async def look(here: Town) -> None:
        rules = granted(
            lambda verb, what, _: (verb, what) in {("patch", "deployments"), ("watch", "pods"), ("list", "pods")}
        )
        findings = of(Kind.MISSING_RIGHT, await looked_as(here, rules))
        assert [finding.message for finding in findings] == [
            "ci may not list, watch pods (core) in namespace production: its switches are not seen",
            "ci may not patch deployments (apps) in namespace production: a rollout is not undone",
        ]
        assert {finding.line for finding in findings} == {line_of("selector   =")}
        # From a kubeconfig it is a person who asks, and need not be the watchdog.
        assert {finding.level for finding in findings} == {Level.WARNING}

    tell(look, start=False)


def test_the_table_of_rights_is_all_that_is_needed_to_check() -> None:
    async def look(here: Town) -> None:
        assert problems(await looked_as(here, granted())) == []

    tell(look, start=False)


def test_scaling_and_acting_are_rights_that_only_some_guards_need() -> None:
    async def look(here: Town) -> None:
        nothing = [rule for rule in granted() if "patch" not in rule.verbs or "configmaps" in rule.resources]
        token = here.cluster.user("ci", nothing)
        kubeconfig = here.cluster.kubeconfig(here.folder / "ci", token)
        telling = RULES.replace("channels   =", 'action = "notify"\nchannels   =')
        scaling = RULES.replace("channels   =", "restore_replicas = true\nchannels   =")
        for rules, missing in ((telling, []), (RULES, ["deployments", "services"])):
            findings = of(Kind.MISSING_RIGHT, await checked(here, rules, kubeconfig=kubeconfig))
            assert [finding.message.split()[4] for finding in findings] == missing
        findings = of(Kind.MISSING_RIGHT, await checked(here, scaling, kubeconfig=kubeconfig))
        assert "deployments/scale" in {finding.message.split()[4] for finding in findings}

    tell(look, start=False)


def test_what_may_not_be_listed_is_one_line_and_keeps_the_rest() -> None:
    async def look(here: Town) -> None:
        findings = await looked_as(here, granted(lambda verb, what, _: (verb, what) == ("list", "replicasets")))
        (trouble,) = of(Kind.NO_CLUSTER, findings)
        assert trouble.level is Level.ERROR
        assert trouble.message.startswith("listing replicasets in production: 403 Forbidden")
        assert any("may not list replicasets" in finding.message for finding in of(Kind.MISSING_RIGHT, findings))
        assert of(Kind.GUARDS_NOTHING, findings) == []

    tell(look, start=False)


def test_a_check_writes_nothing() -> None:
    async def look(here: Town) -> None:
        await checked(here)
        reviews = ("/selfsubjectaccessreviews", "/selfsubjectreviews")
        assert [one.path for one in here.cluster.writes() if not one.path.endswith(reviews)] == []

    tell(look, start=False)


def test_channels_whose_secrets_are_missing_or_mean_nothing_are_told() -> None:
    async def look(here: Town) -> None:
        findings = of(Kind.CHANNEL, await checked(here, environ={}))
        assert [(finding.level, finding.line) for finding in findings] == [
            (Level.WARNING, line_of("{{ secret.SLACK_URL }}")),
            (Level.WARNING, line_of("{{ secret.PAGER_URL }}")),
        ]
        assert "there is no variable WATCHDOG_SECRET_SLACK_URL" in findings[0].message
        wrong = SECRETS | {"WATCHDOG_SECRET_PAGER_URL": "nothing://that/is/known-1234567890"}
        (finding,) = of(Kind.CHANNEL, await checked(here, environ=wrong))
        assert finding.level is Level.ERROR
        assert "known-1234567890" not in finding.text

    tell(look, start=False)


def test_what_the_watchdogs_own_account_lacks_is_an_error() -> None:
    async def look(here: Town) -> None:
        token = here.cluster.user("system:serviceaccount:watchdog:watchdog", granted(lambda verb, *_: verb == "patch"))
        kubeconfig = str(here.cluster.kubeconfig(here.folder / "own", token))
        report = check_rules(RULES)
        assert report.rulebook is not None
        kube = await connect(here.clock, kubeconfig=kubeconfig)
        try:
            findings = await missing_rights(kube, report.rulebook, report.places, OWN, "it", own_account=True)
        finally:
            await kube.close()
        assert {(finding.level, finding.remedy) for finding in findings} == {(Level.ERROR, "grant it by a Role")}
        assert [finding.message for finding in findings] == [
            "it may not patch deployments (apps) in namespace production: a rollout is not undone",
            "it may not patch services (core) in namespace production: a flip is not put back",
            "it may not patch configmaps (core) in namespace watchdog: there are no records",
        ]
        assert [finding.line for finding in findings] == [line_of("selector   =")] * 2 + [0]

    tell(look, start=False)


CALLED = RULES.replace(
    "channels   =", 'callers = { "production/deployment/research" = ["production/CALLER"] }\nchannels   =', 1
)


@pytest.mark.parametrize(
    ("caller", "remedy"),
    [
        ("deployment/brand", None),
        ("deployment/brnad", 'did you mean "production/deployment/brand"?'),
        ("deployment/billing", "name targets of this guard, or leave it out"),  # it is there, without the label
    ],
)
def test_callers_that_no_guard_guards_are_told_where_they_stand(caller: str, remedy: str | None) -> None:
    def furnish(here: Town) -> None:
        here.furnish("research", "brand")
        here.cluster.deploy(NAMESPACE, "billing", "billing:1")

    rules = CALLED.replace("CALLER", caller)
    findings = [one for one in found(Kind.DOUBTFUL, rules, furnish) if "callers" in one.message]
    if remedy is None:
        assert findings == []
        return
    (finding,) = findings
    assert finding.level is Level.WARNING
    assert finding.text == (
        f"callers: the guard does not guard production/{caller}, so it is no peer of anything; {remedy}"
    )
    assert finding.line == line_of("callers =", rules)
