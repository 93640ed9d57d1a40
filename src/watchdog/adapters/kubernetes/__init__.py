"""The cluster, read and written through its API server: what fulfils the ports, and nothing of what decides.

`client` talks HTTP (the only module that knows kubernetes-asyncio); `reflector` lists and watches; `cache` keeps what
they bring; `templates`, `workloads` and `pods` read plain objects; `deployments` and `services` are the traffic
providers; `journal` and `events` are what the watchdog writes about itself.
"""
