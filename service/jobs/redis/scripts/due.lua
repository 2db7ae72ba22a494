-- Webhooks whose time has come. Whoever gets them has so many seconds to tell, before another one does.
local most, patience_s = tonumber(next_argument()), tonumber(next_argument())
local found = {}
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'due', '-inf', seconds(now), 'LIMIT', 0, most)) do
  call('ZADD', P .. 'due', seconds(now + patience_s), id)
  found[#found + 1] = call('HMGET', P .. 'webhook:' .. id, 'subject', 'owner', 'url', 'attempts')
end
return found
