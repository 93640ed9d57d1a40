"""Writes what deploy/ has from the code: Roles from the table of rights, NetworkPolicies from rules.toml.

    python deploy/generate.py

A test holds the files in the repository to it. To change a right, change `src/watchdog/adapters/kubernetes/rights.py`.
"""

import runpy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from watchdog.adapters.kubernetes.kinds import CONFIGMAPS, DEPLOYMENTS, OBJECTS, PODS
from watchdog.adapters.kubernetes.rights import BY_KIND, GITOPS, RIGHTS, RUNNERS, Right, Where, shard_rights
from watchdog.adapters.kubernetes.shard_leases import lease_name
from watchdog.domain.rollout import TargetKind
from watchdog.domain.shards import MOST, Shard
from watchdog.rulebook import read_rules
from watchdog.survey.network_policy import as_yaml

ROOT = Path(__file__).parents[1]
NAMESPACE = "watchdog"
NAME = "rollback-watchdog"
PROMETHEUS = "http://prometheus.monitoring.svc:9090"
ENVIRONMENTS = ("development", "staging", "production")
MADE = "# Made by deploy/generate.py from the table of rights in src/watchdog/adapters/kubernetes/rights.py."

# A dry run stands by behind a lease of its own. Its Role has both, so that one variable makes it act.
NAMES = {NAME: (NAME, f"{NAME}-dry-run")}

SHARD_LEASES = tuple(
    lease_name(Shard(number, MOST), base) for base in (NAME, f"{NAME}-dry-run") for number in range(MOST)
)

Wanted = Callable[[Right], bool]


def reading(right: Right) -> bool:
    """What a dry run needs of a guarded namespace."""
    usual = right.where is Where.GUARDED and right.kind is None and right not in RUNNERS
    return usual and not right.acting and not right.telling


def acting(right: Right) -> bool:
    """What a watchdog that puts back needs beside it."""
    usual = right.where is Where.GUARDED and right.kind is None
    return usual and (right.acting or right.telling) and not right.scaling


def scaling(right: Right) -> bool:
    """What `restore_replicas` needs beside that."""
    return right.where is Where.GUARDED and right.scaling


def reading_of(kind: TargetKind) -> Wanted:
    """What targets of another kind need beside that, also for a dry run."""
    return lambda right: right.kind is kind and not right.acting


def acting_on(kind: TargetKind) -> Wanted:
    """What putting them back needs."""
    return lambda right: right.kind is kind and right.acting


def own(right: Right) -> bool:
    """What it needs where its records are."""
    return right.where is Where.OWN


def looking(right: Right) -> bool:
    """What `watchdog dry-run`, `status`, `history` and `explain` need there."""
    return own(right) and right.verb in ("get", "list") and right.resource.plural == "configmaps"


def gitops(right: Right) -> bool:
    """What it may do with Argo CD's and Flux's own objects."""
    return right.where is Where.OWNERS


def of_others(right: Right) -> bool:
    """What other controllers roll out is found by."""
    return right in RUNNERS


def by_hand(right: Right) -> bool:
    """What `watchdog wait`, `switch` and `rollback` need there: to read the records, and to leave their own."""
    return own(right) and right.verb in ("get", "list", "create", "update") and right.resource.plural == "configmaps"


def _scripts(verbs: str, right: Right) -> Iterator[Right]:
    yield from (replace(right, verb=verb) for verb in verbs.split())


PIPELINE = "release-pipeline"
# What the scripts in deploy/ci/scripts ask for by kubectl, beside what the watchdog's own verbs do.
SCRIPTS: tuple[Right, ...] = (
    *_scripts("get patch update", Right("", DEPLOYMENTS, Where.GUARDED, "match_replicas.sh scales nothing", "scale")),
    *_scripts("get", Right("", PODS, Where.GUARDED, "healthy.py cannot ask the pods how they are", "proxy")),
    *_scripts("create patch", Right("", CONFIGMAPS, Where.GUARDED, "promote.py does not remember what was promoted")),
)

Grant = tuple[str, tuple[str, ...], tuple[str, ...], str]  # group, resources, verbs, name


def granted(wanted: Wanted, besides: Sequence[Right] = ()) -> Iterator[tuple[str, Grant]]:
    """The rules of a Role, each with why: verbs on one resource together, and resources that need the same verbs."""
    of_kinds = [right for rights in BY_KIND.values() for right in rights]
    rights = [*(right for right in (*RIGHTS, *of_kinds, *RUNNERS, *GITOPS) if wanted(right)), *besides]
    verbs: dict[tuple[str, str, str], dict[str, str]] = {}
    for right in rights:
        verbs.setdefault((right.group, right.full_resource, right.name), {})[right.verb] = right.why
    resources: dict[tuple[str, tuple[str, ...], str, str], list[str]] = {}
    for (group, resource, name), why in verbs.items():
        reasons = "; ".join(dict.fromkeys(why.values()))
        resources.setdefault((group, tuple(why), name, reasons), []).append(resource)
    for (group, those, name, reasons), names in resources.items():
        yield reasons, (group, tuple(names), those, name)


def rules(wanted: Wanted, besides: Sequence[Right] = ()) -> Iterator[str]:
    """The same as lines of YAML."""
    for why, (group, resources, verbs, name) in granted(wanted, besides):
        yield f"# Without: {why}"
        yield f"- apiGroups: [{_quoted([group])}]"
        yield f"  resources: [{_quoted(resources)}]"
        if name:
            yield f"  resourceNames: [{_quoted(NAMES[name])}]"
        yield f"  verbs: [{_quoted(verbs)}]"


def role(name: str, *parts: Wanted) -> str:
    """A Role of these parts, one after the other; kustomize gives its namespace."""
    return f"{MADE}\n" + _role(name, (line for part in parts for line in rules(part)))


def _role(name: str, lines: Iterable[str]) -> str:
    head = f"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: {name}\nrules:\n"
    return head + "".join(f"  {line}\n" for line in lines)


def pipeline() -> str:
    """The Roles of a pipeline's account: the watchdog's own rights, as its verbs use them, and what the scripts ask."""
    return (
        f"{MADE}\n"
        "# What the pipeline's account may do, and no more; the end-to-end tests run the workflow with exactly this.\n"
        "# The first Role in each environment's namespace, the second in the watchdog's own. Secrets are in neither.\n"
        + _role(PIPELINE, rules(lambda right: reading(right) or acting(right), SCRIPTS))
        + "---\n"
        + _role(f"{PIPELINE}-records", rules(by_hand))
    )


def shards_role() -> str:
    """What shards need beside it: the lease of each, for as many as there may be."""
    (why,) = {right.why for right in shard_rights(MOST)}
    lines = [MADE, "apiVersion: rbac.authorization.k8s.io/v1", "kind: Role", "metadata:"]
    lines += [f"  name: {NAME}-shards", f"  namespace: {NAMESPACE}", "rules:", f"# Without: {why}"]
    lines += ['- apiGroups: ["coordination.k8s.io"]', '  resources: ["leases"]', "  resourceNames:"]
    return "\n".join([*lines, *(f"  - {name}" for name in SHARD_LEASES), '  verbs: ["get", "update"]']) + "\n"


def added(wanted: Wanted) -> str:
    """A JSON patch that adds rules to a Role."""
    lines = [MADE]
    for _, (group, resources, verbs, name) in granted(wanted):
        assert not name
        lines += ["- op: add", "  path: /rules/-", "  value:"]
        lines += [f"    apiGroups: [{_quoted([group])}]", f"    resources: [{_quoted(resources)}]"]
        lines += [f"    verbs: [{_quoted(verbs)}]"]
    return "\n".join(lines) + "\n"


def helm_rights() -> str:
    """The rules as Helm's named templates."""
    parts = {"own": own, "looking": looking, "reading": reading, "acting": acting, "scaling": scaling, "gitops": gitops}
    parts["runners"] = of_others
    parts |= {f"{kind}.reading": reading_of(kind) for kind in BY_KIND}
    parts |= {f"{kind}.acting": acting_on(kind) for kind in BY_KIND}
    lines = [f"{{{{- /* {MADE.removeprefix('# ')} */ -}}}}"]
    for name, wanted in parts.items():
        lines += [f'{{{{- define "{NAME}.rights.{name}" -}}}}', *rules(wanted), "{{- end -}}"]
    return "\n".join(lines) + "\n"


def _of(kind: TargetKind) -> Wanted:
    return lambda right: right.kind is kind


def table() -> str:
    """The rights as SECURITY.md tells them."""
    titles: Mapping[str, Wanted] = {
        "In each guarded namespace, also for a dry run": reading,
        "In each guarded namespace, to act and to tell": acting,
        "Where a guard has `restore_replicas = true`": scaling,
        **{
            f"Where a guard covers {kind.proper}{'es' if kind.proper.endswith('s') else 's'}": _of(kind)
            for kind in BY_KIND
        },
        "Beside Argo Rollouts or Flagger, optional": of_others,
        "In its own namespace": own,
        "In Argo CD's or Flux's namespaces, optional (`gitops = \"suspend\"`)": gitops,
    }
    lines = ["| where | resource | verbs | without it |", "|---|---|---|---|"]
    for title, wanted in titles.items():
        for number, (why, (group, resources, verbs, name)) in enumerate(granted(wanted)):
            named = f" named {' or '.join(f'`{one}`' for one in NAMES[name])}" if name else ""
            where = f" ({group})" if group not in ("", "apps") else ""
            said = "" if number else title
            lines.append(f"| {said} | {', '.join(resources)}{where}{named} | {', '.join(verbs)} | {why} |")
    (why,) = {right.why for right in shard_rights(MOST)}
    names = f"`{NAME}-shard-0` and so on, or `{NAME}-dry-run-shard-0`"
    lines.append(
        f"| Where `WATCHDOG_SHARDS` is more than 1, in its own namespace | leases (coordination.k8s.io) named {names}"
        f" | get, update | {why} |"
    )
    return "\n".join(lines) + "\n"


def marked(path: Path, text: str) -> tuple[Path, str]:
    """A page with this text between its marks."""
    page = path.read_text(encoding="utf-8")
    before, begin, rest = page.partition("<!-- rights -->\n")
    _, end, after = rest.partition("<!-- /rights -->")
    if not begin or not end:
        raise SystemExit(f"{path.name} has lost the marks of its rights")
    return path, f"{before}{begin}{text}{end}{after}"


def sample() -> str:
    """The rules of the Role that a dry run needs, as docs/dry-run.md shows them."""
    return "\n".join(["```yaml", "rules:", *(f"  {line}" for line in rules(reading)), "```", ""])


def environment_rules(environment: str) -> str:
    """An environment's rules.toml: the repository's own, for the namespace of that name."""
    text = (ROOT / "rules.toml").read_text(encoding="utf-8")
    return text.replace('namespaces = ["production"]', f'namespaces = ["{environment}"]')


def outputs() -> Iterator[tuple[Path, str]]:
    """Every file that is made, and what it has to hold."""
    kustomize = ROOT / "deploy" / "kustomize"
    yield kustomize / "base" / "role.yaml", role(NAME, own)
    yield kustomize / "guarded" / "role.yaml", role(NAME, reading, acting)
    yield kustomize / "guarded-dry-run" / "role.yaml", role(NAME, reading)
    yield kustomize / "components" / "restore-replicas" / "rights.yaml", added(scaling)
    yield kustomize / "components" / "other-controllers" / "rights.yaml", added(of_others)
    for kind in BY_KIND:
        many = OBJECTS[kind].plural
        yield kustomize / "components" / many / "rights.yaml", added(reading_of(kind))
        yield kustomize / "components" / f"{many}-put-back" / "rights.yaml", added(acting_on(kind))
    yield kustomize / "components" / "shards" / "role.yaml", shards_role()
    yield kustomize / "gitops" / "role.yaml", role(f"{NAME}-gitops", gitops)
    yield kustomize / "people" / "own" / "role.yaml", role(f"{NAME}-reader", looking)
    yield kustomize / "people" / "guarded" / "role.yaml", role(f"{NAME}-reader", reading)
    for environment in ENVIRONMENTS:
        overlay = kustomize / "overlays" / environment
        text = environment_rules(environment)
        yield overlay / "rules.toml", text
        yield overlay / "networkpolicy.yaml", as_yaml(read_rules(text, "rules.toml"), NAMESPACE, PROMETHEUS)
    yield ROOT / "deploy" / "helm" / NAME / "templates" / "_rights.tpl", helm_rights()
    yield ROOT / "deploy" / "ci" / "rbac.yaml", pipeline()
    monitoring = ROOT / "deploy" / "monitoring"
    yield monitoring / "dashboard.json", runpy.run_path(str(monitoring / "dashboard.py"))["dashboard"]()
    yield marked(ROOT / "SECURITY.md", table())
    yield marked(ROOT / "docs" / "dry-run.md", sample())


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def main() -> None:
    """Write them all."""
    for path, text in outputs():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
