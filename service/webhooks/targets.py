"""Which addresses webhooks may be sent to."""

from redis import RedisError

from jobs.errors import KeysMissing, KeysUnreadable
from jobs.settings import Settings
from service.key_guard import KeyGuard
from service.outgoing.url_rules import UrlRules

MAX_URL = 2000


async def webhook_rules(settings: Settings, keys: KeyGuard) -> UrlRules:
    """Return the rules for webhooks at this moment: without API keys, this machine is allowed.

    While it is not known whether there are keys, it is not.
    """
    try:
        open_to_all = not await keys.required()
    except (KeysMissing, KeysUnreadable, RedisError):
        open_to_all = False
    return UrlRules(settings.webhook_hosts, http=settings.webhook_http, loopback=open_to_all)
