-- Write how a job ended. A cancel that was accepted before takes precedence over the result.
--
-- Arguments: `token` identifies the attempt, `final_status` is the status to write, and `fields`
-- are names and values of the record, in turn.
-- Answers 'finished', 'canceled', 'deadline_exceeded', or 'lost' for an attempt without the lease.
local token, final_status, fields = ...

if get('finished_by') == token then
  -- The same call was repeated after a broken connection.
  return status == 'canceled' and 'canceled' or 'finished'
end
if not is_held_by(token) then
  return 'lost'
end
redis.call('HSET', job, 'finished_by', token)
if is_cancel_requested() then
  finish('canceled')
  return 'canceled'
end
if final_status == 'succeeded' and deadline_passed() then
  fail_by_deadline()
  return 'deadline_exceeded'
end
if #fields > 0 then
  redis.call('HSET', job, unpack(fields))
end
finish(final_status)
return 'finished'
