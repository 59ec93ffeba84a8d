/** What an operator is told at the start. */
import type { Config } from './config.ts'

/** Built-in keys are shown, since they are no secret. Of other keys nothing is said but whose they are. */
export function welcome({ keys, keysAre }: Config, url: string, processes = 1): string {
  const callers =
    keysAre === 'built-in'
      ? 'Development keys, known to everybody who reads the source:\n' +
        keys.map(({ principal, key }) => `  ${principal.padEnd(8)} Authorization: Bearer ${key}\n`).join('')
      : `Principals with keys of their own: ${[...new Set(keys.map(({ principal }) => principal))].join(', ')}\n`
  const several = processes > 1 ? ` with ${processes} processes` : ''
  return `\nThe ledger listens at ${url}${several}. Read about it at ${url}/docs.\n${callers}\n`
}
