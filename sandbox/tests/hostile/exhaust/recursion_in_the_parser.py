# Source that is nested too deeply to be parsed.
# outcome: failed or memory
eval("(" * 50_000 + ")" * 50_000)
