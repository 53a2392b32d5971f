-- The limit in Redis: check and increment in one step.
-- KEYS[1] counter, ARGV[1] amount, ARGV[2] limit
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
if used + tonumber(ARGV[1]) > tonumber(ARGV[2]) then
    return -1
end
return redis.call('INCRBY', KEYS[1], ARGV[1])
