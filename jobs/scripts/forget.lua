-- Delete the record of a job that does not run. The sweep deletes its files.
--
-- Arguments: `only_expired` spares a job whose life has not ended yet.
-- Answers 'forgotten', 'running', 'early' for a job that was spared, or 'gone'.
local only_expired = ...

if status == 'running' or (status == 'queued' and only_expired) then
  keep()
  return 'running'
end
if status and only_expired and number('expires_ms') > now then
  return 'early'
end
if status then
  end_leading('')
end
drop_deliveries()
local work = get('work')
if work and redis.call('HGET', work, 'done') == id then
  redis.call('HDEL', work, 'done')
end
redis.call('ZREM', waiting, id)
if status then
  leave_ready(owner, get('queue'), id, 0)
  leave_queue(get('queue'), id)
end
redis.call('ZREM', owner_open, id)
redis.call('ZREM', ARCHIVING, id)
-- The job stays in `expiring` until the sweep has deleted its files.
redis.call('ZADD', expiring, now, string.format(EXPIRING_JOB, id))
redis.call('PEXPIREAT', expiring, now + ttl_ms + COLLECTION_GRACE_MS)
redis.call('ZREM', owner_jobs, id)
redis.call('DEL', job, events)
if not status then
  return 'gone'
end
redis.call('PUBLISH', CHANGES, id)
return 'forgotten'
