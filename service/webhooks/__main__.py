"""Run the role that sends webhooks: `python -m service.webhooks`."""

import asyncio
import logging

from jobs.settings import settings
from service.webhooks.deliver import deliver

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(deliver(settings()))
