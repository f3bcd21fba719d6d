-- wrk: POST a chat completion. BENCH_KEY, BENCH_MODEL, BENCH_TOKENS; BENCH_STREAM=1 asks for a stream.
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer " .. os.getenv("BENCH_KEY")
wrk.body = '{"model":"' .. os.getenv("BENCH_MODEL") .. '","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"Tell me about foxes."}],"max_tokens":' .. os.getenv("BENCH_TOKENS") .. (os.getenv("BENCH_STREAM") == "1" and ',"stream":true' or '') .. '}'
done = function(summary, latency)
  io.write(string.format("RESULT seconds=%.3f requests=%d p50us=%d p99us=%d errors=%d refused=%d\n",
    summary.duration / 1e6, summary.requests, latency:percentile(50), latency:percentile(99),
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout, summary.errors.status))
end
