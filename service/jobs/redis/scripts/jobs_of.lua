-- The newest of an owner first, in one state or in any.
local owner, state, most = unpack(ARGV)
local found = {}
for _, id in ipairs(call('ZREVRANGE', P .. 'of:' .. owner .. ':' .. state, 0, most - 1)) do
  found[#found + 1] = call('HGETALL', P .. 'job:' .. id)
end
return found
