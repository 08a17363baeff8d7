-- Extend a lease, with or without progress.
--
-- Arguments: `token` identifies the attempt, `lease_ms` is the length of the lease from now, and
-- `progress` is JSON or ''.
-- Answers 'held', 'cancel_requested', 'deadline_exceeded', or 'lost' for an attempt without the
-- lease.
local token, lease_ms, progress = ...

-- Return the progress with at least the steps that the record says are done: an attempt after a
-- crash repeats some. The events report what the attempt itself says.
local function never_less(reported)
  local before, after = cjson.decode(get('progress') or '{}'), cjson.decode(reported)
  if before.total ~= after.total or before.done <= after.done then
    return reported
  end
  after.done = before.done
  return cjson.encode(after)
end

if not is_held_by(token) then
  return 'lost'
end
if deadline_passed() and not is_cancel_requested() then
  fail_by_deadline()
  return 'deadline_exceeded'
end
local lease_end = now + lease_ms
redis.call('HSET', job, 'lease_ms', lease_end)
redis.call('ZADD', leased, by_deadline(lease_end), id)
redis.call('ZADD', owner_running, lease_end, id)
if progress ~= '' then
  redis.call('HSET', job, 'progress', never_less(progress))
  emit('progress', progress)
end
return is_cancel_requested() and 'cancel_requested' or 'held'
