// A library whose timers do not come: what happens all the same, it has been told of.
import { systemClock } from 'reprise/engine'
import { onTestFinished, vi } from 'vitest'

/** Until the end of the test no timer of the library's own clock fires that is set from here on. */
export function holdTimers(): void {
  const held = vi.spyOn(systemClock, 'after').mockReturnValue(() => undefined)
  onTestFinished(() => held.mockRestore())
}
