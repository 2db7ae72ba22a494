-- Each of these, unless it has ended already; none has files or a result any more.
for _, id in ipairs(ARGV) do
  if call('EXISTS', P .. 'job:' .. id) == 1 then
    end_job(id, 'cancelled')
    call('HSET', P .. 'job:' .. id, 'result', '')
    call('UNLINK', P .. 'files:' .. id)
    set_size(id, 0)
  end
end
