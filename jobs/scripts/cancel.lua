-- Returns 'canceled' at once for a waiting job, 'requested' for a running one, 'final' for an ended one.
if not status then return 'gone' end
if status == 'queued' then finish('canceled') return 'canceled' end
if status ~= 'running' then return 'final' end
redis.call('HSET', job, 'cancel_requested', 1)
emit_state()
redis.call('PUBLISH', 'retinoscope:cancels', id)
return 'requested'
