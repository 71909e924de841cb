-- Posts the body in the file $BODY, and at the end writes one line of JSON: times in seconds.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = assert(io.open(os.getenv("BODY")))
wrk.body = file:read("*a")
file:close()

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, "late": %d, "p50": %.6f, "p99": %.6f}\n',
    summary.requests, summary.duration / 1e6, errors.status, errors.connect + errors.read + errors.write,
    errors.timeout, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end
