-- 1 where this claim's result is the job's: now, or since this was last said and not heard. A late one writes nothing.
local id, token, name, media_type, notes, content = unpack(ARGV)
if not has_claim(id, token) then
  local job = fields_of(id, 'state', 'token')
  return job[1] == 'done' and job[2] == token and 1 or 0
end
call('UNLINK', P .. 'files:' .. id)
call('HSET', P .. 'files:' .. id, name, content)
call('HSET', P .. 'job:' .. id, 'result', name, 'media_type', media_type, 'notes', notes)
set_size(id, #content)
end_job(id, 'done')
return 1
