-- How many of its kind were added before it and wait as well.
local id, kind = unpack(ARGV)
local seq = tonumber(fields_of(id, 'seq')[1]) or 0
local before = 0
for _, other in ipairs(call('ZRANGE', P .. 'suspects:' .. kind, 0, -1)) do
  if (tonumber(fields_of(other, 'seq')[1]) or seq) < seq then before = before + 1 end
end
for _, owner in ipairs(call('ZRANGE', P .. 'turns:' .. kind, 0, -1)) do
  before = before + call('ZCOUNT', P .. 'waiting:' .. kind .. ':' .. owner, '-inf', '(' .. seq)
end
return before
