-- wrk script: one POST, the same every time, but for @@@@@@ in the body, which becomes another word in each request.
-- BENCH_BODY is a file; BENCH_HEADERS holds "Name: value" lines;
-- BENCH_DELAY_MS, if set, makes each connection wait before each request.
local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
wrk.headers["Content-Type"] = "application/json"
for name, value in (os.getenv("BENCH_HEADERS") or ""):gmatch("([^:\n]+):%s*([^\n]*)") do
   wrk.headers[name] = value
end

local before, after = wrk.body:match("^(.-)@@@@@@(.*)$")
if before then
   local sent = 0
   function request()
      sent = sent + 1
      local word = string.format("%06d", sent % 1000000):gsub("%d", function(digit) return string.char(97 + digit) end)
      return wrk.format(nil, nil, nil, before .. word .. after)
   end
end

local pause = tonumber(os.getenv("BENCH_DELAY_MS") or "")
if pause then
   function delay()
      return pause
   end
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      'BENCH {"requests":%d,"seconds":%.6f,"p50_us":%d,"p90_us":%d,"p99_us":%d,"max_us":%d,'
         .. '"status_errors":%d,"socket_errors":%d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(90),
      latency:percentile(99), latency.max, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout))
end
