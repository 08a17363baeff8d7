-- ARGV[3]: token, ARGV[4]: field, ARGV[5]: where the new bytes are, as JSON with 'key', ARGV[6]: data of an event or ''.
-- Returns the key that the field named before, '' if none, or 'lost'.
if not holds(ARGV[3]) then return 'lost' end
local before = get(ARGV[4])
if before == ARGV[5] then return '' end -- asked twice, after a broken connection
redis.call('HSET', job, ARGV[4], ARGV[5])
if ARGV[6] ~= '' then emit(ARGV[4], ARGV[6]) end
return before and cjson.decode(before).key or ''
