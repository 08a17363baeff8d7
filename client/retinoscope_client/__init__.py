"""A client of Retinoscope, a service that shows what a vision model sees.

from retinoscope_client import Client

rs = Client()
rs.grad_cam("cat.jpg", target="class:Egyptian cat").wait()
"""

from retinoscope_client.async_client import AsyncClient as AsyncClient
from retinoscope_client.async_client import AsyncJob as AsyncJob
from retinoscope_client.async_client import AsyncResult as AsyncResult
from retinoscope_client.client import Client as Client
from retinoscope_client.errors import APIError as APIError
from retinoscope_client.errors import ConnectionFailed as ConnectionFailed
from retinoscope_client.errors import JobCanceled as JobCanceled
from retinoscope_client.errors import JobFailed as JobFailed
from retinoscope_client.errors import RetinoscopeError as RetinoscopeError
from retinoscope_client.errors import WaitTimeout as WaitTimeout
from retinoscope_client.errors import WebhookError as WebhookError
from retinoscope_client.image_sets import ImageSet as ImageSet
from retinoscope_client.jobs import Job as Job
from retinoscope_client.results import File as File
from retinoscope_client.results import Result as Result
from retinoscope_client.settings import VERSION as VERSION
from retinoscope_client.webhook import Webhook as Webhook
