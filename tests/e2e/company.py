"""A company that deploys by the workflow: five services in staging and in production, their repository, a watchdog."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ci.workflows import CI, Job, run_job
from e2e.channels import Webhook
from e2e.controlplane.behaviour import GOOD, Behaviour, by_version
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.users import User
from e2e.guarding import Guarding
from stage import Story as Guarded

SERVICES = ("gateway", "research", "brand", "content", "agent")
FAILING = Behaviour(errors=0.5)
SICK = Behaviour(health=503)

# For the services' own smoke tests, as they are here.
TO_SMOKE = ({"apiGroups": [""], "resources": ["services/proxy"], "verbs": ["get"]},)

MAKEFILE = """
lint security test-unit test-integration:
\t@echo "$@ of {name}"
smoke test-deployed:
\t@test ! -e "$(CURDIR)/$@.fails" || { echo "$@ fails" >&2; exit 1; }
\tkubectl get --raw /api/v1/namespaces/$(NAMESPACE)/services/http:$(SERVICE):80/proxy/health
"""


@dataclass
class Company:
    """Five services in staging and in production, their repository, and the watchdog."""

    staging: Namespace
    production: Namespace
    guarding: Guarding
    deployer: User
    repository: Path
    scratch: Path
    channel: Webhook

    async def run(
        self,
        job: str,
        service: str,
        version: str,
        environment: str,
        workflow: str = "release-service.yml",
        **inputs: str,
    ) -> Job:
        """A job of the workflow, as GitHub would run it."""
        namespace = self.production if environment == "production" and job != "promoted" else self.staging
        contexts: dict[str, Any] = {
            "github": {
                "actor": "ann",
                "server_url": "https://forge.example",
                "repository": "acme/plasma",
                "run_id": "1",
            },
            "inputs": {"service": service, "version": version, "environment": environment, **inputs},
            "vars": {
                "NAMESPACE": namespace.name,
                "REGISTRY": "registry.example",
                "WATCHDOG_NAMESPACE": self.guarding.own.name,
                "WATCHDOG_PUBLIC_URL": "https://watchdog.example",
            },
            "secrets": {
                "KUBECONFIG": self.deployer.kubeconfig.read_text(encoding="utf-8"),
                "NOTIFY_URL": f"http://{self.channel.url('ci').removeprefix('json://')}",
            },
        }
        return await asyncio.to_thread(
            run_job,
            workflow,
            job,
            contexts,
            folder=self.repository,
            scratch=self.scratch / f"{service}-{environment}-{job}-{inputs.get('attempt', 1)}",
            environment={
                "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
                "HEALTH_EVERY": "0.2",
                "HEALTH_WITHIN": "5",
                "ROLLOUT_TIMEOUT": "60s",
                "SERVICES_FILE": str(self.repository / "deploy/ci/services.json"),
            },
            without=("Install the watchdog",),
        )


@dataclass
class Story:
    """What became of one service: the jobs that ran, and what it serves at the end."""

    staging: Job
    promoted: Job | None = None
    production: Job | None = None
    again: Job | None = None
    rollback: Job | None = None
    colour: str = ""
    image: str = ""


@dataclass
class Told:
    """What became of all."""

    plan: list[dict[str, str]]
    stories: dict[str, Story]
    records: list[Any]
    channel: list[str]
    version: str
    refusals: list[str]


def the_repository(folder: Path) -> Path:
    """With our workflows' scripts, and five services that have a Makefile each."""
    shutil.copytree(CI, folder / "deploy" / "ci")
    for name in SERVICES:
        (folder / "services" / name).mkdir(parents=True)
        (folder / "services" / name / "Makefile").write_text(MAKEFILE.replace("{name}", name))
    (folder / "services" / "agent" / "test-deployed.fails").touch()
    git = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.com", "-C", str(folder)]
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "-m", "all"]):
        subprocess.run([*git, *words], check=True)
    return folder


def planned(repository: Path, scratch: Path) -> list[dict[str, str]]:
    """What the workflow's first job says of a push to main."""
    github = {"ref_type": "branch", "sha": "HEAD", "event": {"before": "0" * 40}}
    job = run_job("deploy.yml", "plan", {"github": github}, folder=repository, scratch=scratch, environment={})
    assert job.status == "success", job.log
    outputs = job["Which services, which versions, where to"].outputs
    assert (outputs["any"], outputs["environment"]) == ("true", "staging")
    matrix: list[dict[str, str]] = json.loads(outputs["matrix"])["include"]
    return matrix


async def furnished(staging: Namespace, production: Namespace, version: str) -> None:
    """All serve v1: rolling in staging, on blue in production; how the release will behave is fixed."""

    async def one(name: str) -> None:
        in_staging = by_version({version: FAILING if name == "research" else GOOD})
        in_production = by_version({version: {"brand": SICK, "content": FAILING}.get(name, GOOD)})
        await staging.deploy(name, "v1", pod_annotations=in_staging)
        await staging.service(name, {"app": name})
        for colour in ("blue", "green"):
            labels = {"app": name, "colour": colour}
            deployment = f"{name}-{colour}"
            await production.deploy(deployment, "v1", labels=labels, behind=name, pod_annotations=in_production)
        await production.service(name, {"app": name, "colour": "blue"})

    await asyncio.gather(*(one(name) for name in SERVICES))


def guard(namespace: str) -> str:
    """Seconds instead of minutes; enough of them for a machine that is busy to see each block."""

    async def nobody(_: object) -> None:
        """Only its guard is used."""

    return Guarded(nobody, (), ("error-rate", "health", "crash"), "36s", recovery="8s").guard(namespace)


async def released(company: Company, service: str, version: str) -> Story:
    """As deploy.yml would: to staging; and, on the tag, to production if it was promoted."""
    story = Story(await company.run("staging", service, version, "staging"))
    story.promoted = await company.run("promoted", service, version, "production")
    if story.promoted.status == "success":  # `needs: promoted`
        story.production = await company.run("production", service, version, "production")
    if service == "content":
        story.again = await company.run("production", service, version, "production", attempt="2")
    return await seen(company, service, story)


async def seen(company: Company, service: str, story: Story) -> Story:
    """With what it serves now."""
    selector = (await company.production.get("services", service))["spec"]["selector"]
    deployment = await company.staging.get("deployments", service)
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return replace(story, colour=selector["colour"], image=image)
