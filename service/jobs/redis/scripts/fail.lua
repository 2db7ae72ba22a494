local id, token, code, detail = unpack(ARGV)
if not has_claim(id, token) then
  local job = fields_of(id, 'state', 'token')
  return job[1] == 'failed' and job[2] == token and 1 or 0
end
call('HSET', P .. 'job:' .. id, 'failure_code', code, 'failure_detail', detail)
end_job(id, 'failed')
return 1
