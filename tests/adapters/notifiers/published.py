"""What the services publish of the messages they take, as JSON Schemas: each says where it is written.

Lengths are counted in characters here; where a service may count in UTF-16, the tests do that as well.
"""

from typing import Any

Schema = dict[str, Any]


def _object(required: str = "", **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _text(most: int, least: int = 1, **more: Any) -> Schema:
    return {"type": "string", "minLength": least, "maxLength": most, **more}


_WEB = {"type": "string", "pattern": "^https?://"}
_MOMENT = {"type": "string", "format": "date-time"}

# -- https://docs.slack.dev/reference/block-kit and /reference/methods/chat.postMessage --


def _plain(most: int) -> Schema:
    return _object("type text", type={"const": "plain_text"}, text=_text(most), emoji={"type": "boolean"})


def _mrkdwn(most: int) -> Schema:
    return _object("type text", type={"const": "mrkdwn"}, text=_text(most), verbatim={"type": "boolean"})


def _words(most: int) -> Schema:
    return {"oneOf": [_plain(most), _mrkdwn(most)]}


_BUTTON = _object(
    "type text",
    type={"const": "button"},
    text=_plain(75),
    action_id=_text(255),
    url={**_WEB, **_text(3000)},
    value=_text(2000),
    style={"enum": ["primary", "danger"]},
    accessibility_label=_text(75),
)
_IMAGE = _object(
    "type alt_text",
    type={"const": "image"},
    image_url={**_WEB, **_text(3000)},
    alt_text=_text(2000),
    title=_plain(2000),
    block_id=_text(255),
)
_BLOCKS = [
    _object("type text", type={"const": "header"}, text=_plain(150), block_id=_text(255)),
    {
        **_object(
            "type",
            type={"const": "section"},
            text=_words(3000),
            fields={"type": "array", "items": _words(2000), "minItems": 1, "maxItems": 10},
            accessory=_BUTTON,
            block_id=_text(255),
        ),
        "anyOf": [{"required": ["text"]}, {"required": ["fields"]}],
    },
    _object(
        "type elements",
        type={"const": "actions"},
        elements={"type": "array", "items": _BUTTON, "minItems": 1, "maxItems": 25},
        block_id=_text(255),
    ),
    _object(
        "type elements",
        type={"const": "context"},
        elements={"type": "array", "items": {"oneOf": [_plain(3000), _mrkdwn(3000)]}, "minItems": 1, "maxItems": 10},
        block_id=_text(255),
    ),
    _object("type", type={"const": "divider"}, block_id=_text(255)),
    _IMAGE,
]
SLACK: Schema = _object(
    "text",
    text=_text(4000),
    blocks={"type": "array", "items": {"oneOf": _BLOCKS}, "minItems": 1, "maxItems": 50},
    channel=_text(80),
    thread_ts={"type": "string", "pattern": r"^\d+\.\d+$"},
    reply_broadcast={"type": "boolean"},
    username=_text(80),
    unfurl_links={"type": "boolean"},
    unfurl_media={"type": "boolean"},
    mrkdwn={"type": "boolean"},
)
SLACK_IN_ALL = 13_200  # characters of all blocks: more is `msg_blocks_too_long`

# -- https://developer.pagerduty.com/docs/send-alert-event --

PAGERDUTY: Schema = {
    **_object(
        "routing_key event_action dedup_key",
        routing_key=_text(32, 32),
        event_action={"enum": ["trigger", "acknowledge", "resolve"]},
        dedup_key=_text(255),
        client=_text(1024),
        client_url=_WEB,
        links={"type": "array", "items": _object("href", href=_WEB, text=_text(1024))},
        images={"type": "array", "items": _object("src", src=_WEB, href=_WEB, alt={"type": "string"})},
        payload=_object(
            "summary source severity",
            summary=_text(1024),
            source=_text(1024),
            severity={"enum": ["critical", "warning", "error", "info"]},
            timestamp=_MOMENT,
            component={"type": "string"},
            group={"type": "string"},
            **{"class": {"type": "string"}},
            custom_details={"type": "object"},
        ),
    ),
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
}
PAGERDUTY_IN_ALL = 512_000  # bytes

# -- https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml --

_LABELS = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
    "additionalProperties": {"type": "string"},
}
ALERTMANAGER: Schema = {
    "type": "array",
    "minItems": 1,
    "items": _object(
        "labels",
        labels={**_LABELS, "minProperties": 1, "required": ["alertname"]},
        annotations=_LABELS,
        startsAt=_MOMENT,
        endsAt=_MOMENT,
        generatorURL={"type": "string", "format": "uri"},
    ),
}

# -- https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/cloudevents.json --

CLOUDEVENTS: Schema = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-z0-9]+$"},
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1, "format": "uri-reference"},
        "specversion": {"const": "1.0"},
        "type": {"type": "string", "minLength": 1},
        "datacontenttype": {"type": ["string", "null"], "minLength": 1},
        "subject": {"type": ["string", "null"], "minLength": 1},
        "time": {"type": ["string", "null"], "minLength": 1, "format": "date-time"},
        "data": {"type": "object"},
    },
    "required": ["id", "source", "specversion", "type"],
}
