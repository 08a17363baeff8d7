"""What the routes work with: stores, listeners and settings, built once per process."""

from dataclasses import dataclass

from jobs.api_keys import KeyRing
from jobs.artifacts import ArtifactStore
from jobs.celery_message import prepare_message
from jobs.connection import connect
from jobs.deduplication import Deduplicator
from jobs.deliveries import DeliveryStore
from jobs.events import EventLog
from jobs.idempotency import IdempotencyKeys
from jobs.image_sets import ImageSetStore
from jobs.registries import ModelRegistry, WorkerRegistry
from jobs.settings import Settings
from jobs.statistics import Statistics
from jobs.store import JobStore
from jobs.uploads import ArrayStore, ImageStore
from jobs.webhook_secrets import WebhookSecrets
from jobs.worker_reports import WorkerReports
from service.events.change_listener import ChangeListener
from service.events.feeds import Feeds
from service.intake import Intake
from service.key_guard import KeyGuard
from service.outgoing.transport import Transport
from service.rate_limit import RateLimiter

# Of those that one API process makes for its clients.
_REQUESTS_AT_ONCE = 8


@dataclass(frozen=True)
class Services:
    """The collaborators of one API process. Each may be used by many requests at once."""

    settings: Settings
    jobs: JobStore
    files: ArtifactStore
    images: ImageStore
    arrays: ArrayStore
    image_sets: ImageSetStore
    workers: WorkerRegistry
    models: ModelRegistry
    keys: KeyGuard
    changes: ChangeListener
    events: EventLog
    feeds: Feeds
    idempotency: IdempotencyKeys
    deduplicator: Deduplicator
    rates: RateLimiter
    deliveries: DeliveryStore
    webhook_secrets: WebhookSecrets
    transport: Transport
    intake: Intake
    statistics: Statistics
    reports: WorkerReports


def make_services(settings: Settings) -> Services:
    """Build the services for these settings; nothing is connected yet."""
    redis = connect(settings.redis_url)
    files = ArtifactStore(settings.artifacts_location)
    images = ImageStore(redis, files, settings)
    changes = ChangeListener(settings.redis_url)
    events = EventLog(redis)
    jobs = JobStore(redis, settings, prepare_message)
    return Services(
        settings=settings,
        jobs=jobs,
        files=files,
        images=images,
        arrays=ArrayStore(redis, files, settings),
        image_sets=ImageSetStore(redis, files, images, settings),
        workers=WorkerRegistry(redis),
        models=ModelRegistry(redis),
        keys=KeyGuard(KeyRing(settings.keys_location), redis),
        changes=changes,
        events=events,
        feeds=Feeds(
            events, changes, settings.max_listeners, most_of_owner=settings.max_listeners_per_owner
        ),
        idempotency=IdempotencyKeys(redis),
        deduplicator=Deduplicator(jobs, files),
        rates=RateLimiter(settings.redis_url),
        deliveries=DeliveryStore(redis),
        webhook_secrets=WebhookSecrets(redis),
        transport=Transport(_REQUESTS_AT_ONCE),
        intake=Intake(settings.intake_threads, settings.max_decoding_bytes),
        statistics=Statistics(redis),
        reports=WorkerReports(redis),
    )
