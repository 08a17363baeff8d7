"""What workers tell of themselves is read while they live."""

from redis import Redis

from jobs import redis_keys
from jobs.registries import WorkerRegistry
from jobs.worker_reports import GpuFigures, WorkerReport, WorkerReports

GPU = GpuFigures(1, "A GPU", 0.25, 100, None)


def test_child_and_maintenance_write_parts_of_one_report(redis: Redis) -> None:
    registry, reports = WorkerRegistry(redis), WorkerReports(redis)
    registry.announce("host:1")
    registry.announce("host:2")
    reports.report_models("host:1", {"m": 7, "n": 8})
    reports.report_gpus("host:1", [GPU])
    reports.report_models("host:1", {"n": 8})
    assert reports.all() == [
        WorkerReport("host:1", {"n": 8}, [GPU]),
        WorkerReport("host:2", {}, []),
    ]


def test_a_worker_that_is_gone_is_not_read(redis: Redis) -> None:
    registry, reports = WorkerRegistry(redis), WorkerReports(redis)
    reports.report_models("host:3", {"m": 7})
    assert reports.all() == []
    assert redis.ttl(redis_keys.worker("host:3")) > 0
    registry.announce("host:3")
    assert [report.worker for report in reports.all()] == ["host:3"]
    registry.withdraw("host:3")
    assert reports.all() == [] and not redis.exists(redis_keys.worker("host:3"))
