"""podium behind Ray Serve's gRPC proxy: replicas on the machines of a cluster, more of them when more is asked.

Each replica is a whole podium server of its own, on an address that only it knows; the proxies' calls go through to it
as they came, bytes in and bytes out, so that answers, errors and their details are podium's.

Needs `podium[server]` and `ray[serve]` on every machine, this package where Python finds it, and a repository that all
machines see. `serve run config.yaml` starts it: `proxy.add_services` is what proxies run, `replica.build` makes the
replicas.
"""
