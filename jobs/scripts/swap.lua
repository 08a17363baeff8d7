-- Let the record name a newer preview or checkpoint, or what is kept of a batch.
--
-- Arguments: `token` identifies the attempt, `field` is 'preview', 'checkpoint' or 'batch',
-- `stored` is JSON with the `key` of the new bytes, and `event` is JSON for the job's watchers
-- or ''.
-- Answers {'swapped', key of the previous bytes or ''}, or {'lost'} for an attempt without the
-- lease.
local token, field, stored, event = ...

if not is_held_by(token) then
  return {'lost'}
end
local previous = get(field)
if previous == stored then
  -- The same call was repeated after a broken connection.
  return {'swapped', ''}
end
redis.call('HSET', job, field, stored)
if field == 'batch' then
  -- Rows are kept for good: only crashes from here on make the job fail.
  redis.call('HSET', job, 'kept_attempts', number('attempts'))
end
if event ~= '' then
  emit(field, event)
end
return {'swapped', previous and cjson.decode(previous).key or ''}
