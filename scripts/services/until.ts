import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until the condition holds; false when it still does not after `withinMs`. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() >= deadline) return false
    await sleep(10)
  }
  return true
}
