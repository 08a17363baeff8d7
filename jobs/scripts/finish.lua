-- ARGV[3]: token, ARGV[4]: final status, ARGV[5..]: fields and values. Returns 'finished', 'canceled', 'late' or 'lost'.
-- A cancel that was accepted wins over a result that came in after it.
if get('finished_by') == ARGV[3] then -- asked twice, after a broken connection
  return status == 'canceled' and 'canceled' or 'finished'
end
if not holds(ARGV[3]) then return 'lost' end
redis.call('HSET', job, 'finished_by', ARGV[3])
if get('cancel_requested') == '1' then finish('canceled') return 'canceled' end
if ARGV[4] == 'succeeded' and late() then exceed() return 'late' end
if #ARGV > 4 then redis.call('HSET', job, unpack(ARGV, 5)) end
finish(ARGV[4])
return 'finished'
