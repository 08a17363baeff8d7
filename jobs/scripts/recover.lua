-- ARGV[3]: grace in ms, ARGV[4]: most attempts, ARGV[5]: '1' for a follower that found nothing to take.
-- For a job whose time in `leased` or `waiting` has come. Returns 'publish' when its message must be sent again, 'take'
-- when the result that it waits for is there, else what was found.
local stands, asked = status == 'queued' or status == 'running', get('cancel_requested') == '1'
if stands and late() and not asked then exceed() return 'late' end
if status == 'queued' and ARGV[5] ~= '1' and tonumber(redis.call('ZSCORE', waiting, id) or 0) > now then
  return 'early' -- another worker's keeper saw to it
end
if status == 'queued' and get('follows') then
  local found = ARGV[5] ~= '1' and followed(tonumber(ARGV[3]))
  if found then return found end
  lead()
end
if status == 'queued' then
  wait_for_a_worker(tonumber(ARGV[3]))
  return 'publish'
end
if status ~= 'running' then
  redis.call('ZREM', leased, id)
  redis.call('ZREM', waiting, id)
  return 'ended'
end
if number('lease_ms') > now then return 'leased' end
if asked then finish('canceled') return 'canceled' end
if number('attempts') >= tonumber(ARGV[4]) then poison() return 'poisoned' end
queue_again(tonumber(ARGV[3]))
return 'publish'
