"""The webhook that a request for a job asks for, and whether it may be sent to."""

from catalog.errors import Violation
from jobs.webhook import Webhook
from service.job_request import JobOptions
from service.outgoing.url_rules import CheckedUrl, UrlRefused, check_url
from service.problems import Problem
from service.services import Services
from service.webhooks.targets import webhook_rules


async def webhook_of(services: Services, options: JobOptions) -> Webhook | None:
    """Return the webhook of a job, or None if it asks for none. Raises Problem."""
    if options.webhook is None:
        return None
    url = await checked_target(services, options.webhook, "webhook")
    return Webhook(str(url), options.events())


async def checked_target(services: Services, address: str, field: str) -> CheckedUrl:
    """Return the parts of an address that was sent in a field. Raises Problem.

    The text is checked here. What the host resolves to is checked when the message is sent.
    """
    try:
        return check_url(address, await webhook_rules(services.settings, services.keys))
    except UrlRefused as error:
        message = str(error)
        raise Problem("webhook_refused", message, [Violation(f"/{field}", message)]) from None
