-- wrk's side of the workload. Arguments after `--`: prefix of the keys, how many keys to go round (0: all fresh), body.
local prefix, round, body, sent = '', 0, '', 0
local headers = { ['Content-Type'] = 'application/json', ['X-Tenant'] = 'bench' }

function init(args)
  prefix, round, body = args[1], tonumber(args[2]), args[3]
end

function request()
  sent = sent + 1
  headers['Idempotency-Key'] = prefix .. (round > 0 and sent % round or sent)
  return wrk.format('POST', '/orders', headers, body)
end

function done(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format('RESULT %d %d %d %d\n', summary.requests, summary.duration, failed, latency:percentile(50)))
end
