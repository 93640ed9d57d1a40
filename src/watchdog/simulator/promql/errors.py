"""The two ways in which a query is refused, as the HTTP API tells them apart."""


class BadQuery(Exception):
    """The query or a parameter cannot be understood: 400, `bad_data`."""


class ExecutionFailed(Exception):
    """The query cannot be evaluated, or needs what the simulator does not have: 422, `execution`."""
