-- ARGV[3]: token, ARGV[4]: lease in ms, ARGV[5]: progress or ''. Returns 'held', 'cancel', 'late' or 'lost'.
if not holds(ARGV[3]) then return 'lost' end
if late() and get('cancel_requested') ~= '1' then exceed() return 'late' end
local lease = now + tonumber(ARGV[4])
redis.call('HSET', job, 'lease_ms', lease)
redis.call('ZADD', leased, by_deadline(lease), id)
if ARGV[5] ~= '' then
  redis.call('HSET', job, 'progress', ARGV[5])
  emit('progress', ARGV[5])
end
if get('cancel_requested') == '1' then return 'cancel' end
return 'held'
