"""The six plain rules of a guard of FastAPI services, as most stories, benches and pictures write them.

A test about reading rules keeps a text of its own.
"""


def six_rules(*names: str, lasting: str = "1m", probed: str = "5s", timeout: str = "2s") -> str:
    """Those of that name (all, where none is named) and the preset, as they stand in rules.toml.

    `lasting`: how long CPU and memory must be over their limits; `probed`: how often a pod's health is asked for.
    """
    texts = {
        "error-rate": 'when = "http_error_rate > 5%"',
        "latency": 'when = "p95(http_latency) > 2x baseline"',
        "cpu": f'when = "cpu > 2x baseline"\nfor  = "{lasting}"',
        "memory": f'when = "memory > 1.5x baseline"\nfor  = "{lasting}"',
        "health": (
            f'probe = {{ path = "/health", port = "http", every = "{probed}", timeout = "{timeout}" }}\nfailures = 3'
        ),
        "crash": 'signs = ["crash-loop", "image-pull", "oom-killed", "progress-deadline", "not-ready"]',
    }
    rules = "\n".join(f"[rules.{name}]\n{texts[name]}" for name in names or texts)
    return f'{rules}\n\n[metrics]\npreset = "fastapi"\n'
