/** A history for human readers: one line per event, with the events that break a law marked. */

import type { Event, History, Violation, Write } from './history.ts'

/** The whole history, or only what concerns one operation. */
export function timeline(history: History, violations: readonly Violation[] = [], operation?: string): string {
  const marks = new Map<number, string[]>()
  for (const { law, events } of violations) {
    for (const index of events) marks.set(index, [...(marks.get(index) ?? []), law])
  }
  const operations = new Map<number, string>()
  const lines: string[] = []
  history.events.forEach((event, index) => {
    if (event.kind === 'invoke') operations.set(event.request, event.operation)
    const about = operationOf(event, operations)
    if (operation !== undefined && about !== undefined && about !== operation) return
    const mark = marks.get(index)
    const at = `${event.t.toFixed(2).padStart(12)} ms`
    lines.push(
      `${at}  ${(about ?? '').padEnd(6)}  ${tell(event)}${mark === undefined ? '' : `   <── ${mark.join(', ')}`}`,
    )
  })
  for (const { law, operation: of, story } of violations) lines.push(`${law} broken for ${of}: ${story}`)
  return lines.join('\n')
}

function operationOf(event: Event, operations: ReadonlyMap<number, string>): string | undefined {
  switch (event.kind) {
    case 'invoke':
    case 'write':
    case 'effect':
    case 'end':
    case 'unreadable':
      return event.operation
    case 'ok':
    case 'fail':
    case 'info':
      return operations.get(event.request)
    case 'crash':
    case 'loss':
    case 'revoke':
    case 'store-clock':
    case 'heal':
    case 'note':
      return undefined
  }
}

function tell(event: Event): string {
  switch (event.kind) {
    case 'invoke':
      return `caller ${event.client} sends request ${event.request} (${event.fingerprint})`
    case 'ok':
      return `request ${event.request} is answered: ${event.outcome}`
    case 'fail':
      return `request ${event.request} is refused: ${event.why}${event.effect === 'none' ? ', nothing happened' : ''}`
    case 'info':
      return `request ${event.request} is given up: nobody knows`
    case 'end':
      return `the handler of arrival ${event.arrival} says ${event.said}: ${event.outcome}`
    case 'effect':
      return `EFFECT by ${event.attempt} of arrival ${event.arrival} (${event.fingerprint})`
    case 'write':
      return tellWrite(event)
    case 'crash':
      return `${event.process} DIES`
    case 'loss':
      return `the store LOSES what it acknowledged after ${event.since.toFixed(2)} ms`
    case 'unreadable':
      return 'the record can not be read any more'
    case 'revoke':
      return `${event.principal} is not to be answered any more`
    case 'store-clock':
      return `the store's clock is set to ${new Date(event.storeMs).toISOString()}`
    case 'heal':
      return 'every fault is over'
    case 'note':
      return event.text
  }
}

function tellWrite({ step, attempt, fence, ending, result, record, outcome }: Write): string {
  const what = `store: ${step}${ending === undefined ? '' : ` ${ending}`} by ${attempt}${fence === 0 ? '' : ` (${fence})`}`
  if (record === undefined) return `${what} is ${result}`
  const { state, effect, attemptId, fence: now } = record
  const half = state === 'running' ? ` ${effect ?? ''}` : ''
  return `${what} is ${result}: ${state}${half}, ${attemptId} (${now})${outcome === undefined ? '' : `, ${outcome}`}`
}
