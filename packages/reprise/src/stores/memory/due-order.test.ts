import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Due, DueOrder } from './due-order.ts'

test('the first is always the earliest, whatever is added and removed', () => {
  const command = fc.oneof(
    fc.record({ add: fc.nat(50) }),
    fc.record({ remove: fc.nat(1000) }),
    fc.constant({ removeFirst: true }),
  )
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const order = new DueOrder()
      const kept: Due[] = []
      const removed: Due[] = []
      for (const step of commands) {
        if ('add' in step) {
          const item = { dueAtMs: step.add, place: -1 }
          order.add(item)
          kept.push(item)
        } else {
          const item = 'remove' in step ? kept[step.remove % Math.max(1, kept.length)] : order.first()
          if (item === undefined) continue
          order.remove(item)
          kept.splice(kept.indexOf(item), 1)
          removed.push(item)
        }
        expect(removed.every(({ place }) => place === -1)).toBe(true)
        const earliest = kept.length === 0 ? undefined : Math.min(...kept.map(({ dueAtMs }) => dueAtMs))
        expect(order.first()?.dueAtMs).toBe(earliest)
      }
    }),
  )
})
