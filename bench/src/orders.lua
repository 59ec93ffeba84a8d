-- wrk's side of the workload. Arguments after `--`: body, tenant, prefix of the keys, how many known keys there are (0: all
-- fresh), the first of them, the stride from one to the next, milliseconds between an answer and the next request of its
-- connection.
local body, prefix, known, start, stride, pause
local sent = 0
local headers = { ['Content-Type'] = 'application/json' }

function init(args)
  body, headers['X-Tenant'], prefix = args[1], args[2], args[3]
  known, start, stride, pause = tonumber(args[4]), tonumber(args[5]), tonumber(args[6]), tonumber(args[7])
  -- wrk looks whether there is such a function: without one it never waits.
  if pause > 0 then
    function delay() return pause end
  end
end

function request()
  sent = sent + 1
  headers['Idempotency-Key'] = prefix .. string.format('%d', known > 0 and (start + sent * stride) % known or sent)
  return wrk.format('POST', '/orders', headers, body)
end

function done(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format('RESULT %d %d %d %d\n', summary.requests, summary.duration, failed, latency:percentile(50)))
end
