-- Queue a job again whose worker stops. The attempt does not count, because nothing went wrong.
--
-- Arguments: `token` identifies the attempt, and `grace_ms` is how long a message may take before
-- the reconciler publishes it again.
-- Answers 'queued', 'canceled', or 'lost' for an attempt without the lease.
local token, grace_ms = ...

if not is_held_by(token) then
  return 'lost'
end
if is_cancel_requested() then
  finish('canceled')
  return 'canceled'
end
redis.call('HINCRBY', job, 'attempts', -1)
queue_again(grace_ms)
return 'queued'
