"""Run the role that sends webhooks: `python -m service.webhooks`."""

import asyncio

from jobs.log_format import configure_logging
from jobs.settings import settings
from service.webhooks.deliver import deliver

if __name__ == "__main__":
    configure_logging("deliver")
    asyncio.run(deliver(settings()))
