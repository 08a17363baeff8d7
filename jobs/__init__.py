"""One run as the API and the workers see it: record, transitions, leases, artifacts and queue.

It may import pydantic, redis, celery, obstore and cachetools, and no other package of this project.
"""
