-- Queue a job again whose worker stops. The attempt does not count, because nothing went wrong.
--
-- Arguments: `token` identifies the attempt, `grace_ms` is how long a message may take before the
-- reconciler publishes it again, and `unread` is true for a worker that could not read the record.
-- The job then waits longer each time, as if no worker had taken it.
-- Answers 'queued', 'canceled', or 'lost' for an attempt without the lease.
local token, grace_ms, unread = ...

if not is_held_by(token) then
  return 'lost'
end
if is_cancel_requested() then
  finish('canceled')
  return 'canceled'
end
if unread then
  undo_claim(grace_ms)
  return 'queued'
end
redis.call('HINCRBY', job, 'attempts', -1)
queue_again(grace_ms)
return 'queued'
