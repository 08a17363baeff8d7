-- Cancel a job, or ask its worker to stop.
--
-- Answers 'canceled' for a job that was waiting, 'cancel_requested' for a running job, 'final' for
-- a job that has ended, and 'gone' where there is no record.
if not status then
  return 'gone'
end
if status == 'queued' then
  finish('canceled')
  return 'canceled'
end
if status ~= 'running' then
  return 'final'
end
redis.call('HSET', job, 'cancel_requested', 1)
emit_state()
redis.call('PUBLISH', CANCELS, id)
return 'cancel_requested'
