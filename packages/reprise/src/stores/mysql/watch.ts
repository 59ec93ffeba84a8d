/** Watching: changes by this process at once, and those by others within a moment. */

import type { Clock } from '../../engine/clock.ts'
import type { Watchers } from '../../engine/watchers.ts'

/** How soon a record is looked at again that another process may have changed. */
const pollMs = 75

/** Resolves at the next change by this process, after a moment, or when `signal` aborts; leaves no listener behind. */
export async function watchFor(watchers: Watchers, clock: Clock, id: string, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const end = (): void => over.abort()
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  const cancel = clock.after(pollMs, end, 'background')
  try {
    await watchers.watch(id, over.signal)
  } finally {
    cancel()
    signal.removeEventListener('abort', end)
  }
}
