# A coroutine at the top level that nothing wakes.
# outcome: timeout
# seconds: 0.3
import asyncio

await asyncio.Event().wait()
