local id, token, done, total = unpack(ARGV)
if has_claim(id, token) then call('HSET', P .. 'job:' .. id, 'done', done, 'total', total) end
