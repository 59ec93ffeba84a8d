/** An outcome comes back as it was given: every byte of its body, every line of its headers. */

import assert from 'node:assert/strict'
import type { HeaderLine, Outcome } from 'reprise/engine'
import type { Check, Subject, Theme } from '../subject.ts'
import { anOperation, completed, idOf, outcome, settled, terms, unknown } from './given.ts'
import { assertSame, found, plain } from './records.ts'

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)
/** Neither text in any encoding nor alike in any two places. */
const oneMebibyte = Uint8Array.from({ length: 1024 * 1024 }, (_, n) => (n * 2_654_435_761) >>> 13)

const lines: readonly HeaderLine[] = [
  ['Content-Type', 'application/json; charset=utf-8'],
  ['x-b', '2'],
  ['X-A', '1'],
  ['x-b', '1'],
  ['X-Empty', ''],
  ['x-spaces', '  kept  '],
  ['x-quotes', `it's "quoted", and \\ escaped`],
  ['x-latin1', 'smørrebrød'],
  ['x-unicode', 'žluťoučký kůň 日本 🙂'],
  ['__proto__', 'a name like any other'],
]

/** Settles with this outcome, and finds it again in every way that there is to find it. */
async function roundTrip({ store }: Subject, given: Outcome): Promise<void> {
  const operation = anOperation()
  await settled(store, operation, completed(given))
  const kept = await found(store, operation.id, 'completed')
  assert.deepEqual(plain({ ...kept, outcome: given }), plain(kept))
  assertSame((await store.claim(operation, terms())).record, kept)
  const { items } = await store.list({ state: 'completed' })
  assertSame(
    items.find(({ id }) => id === operation.id),
    kept,
  )
}

const bodies: Record<string, Check> = {
  'a body keeps every byte': (subject) => roundTrip(subject, outcome(everyByte)),
  'a body that is no text keeps every byte': (subject) =>
    roundTrip(subject, outcome(Uint8Array.of(0xff, 0, 0xc3, 0x28))),
  'a body of a mebibyte keeps every byte': (subject) => roundTrip(subject, outcome(oneMebibyte)),
  'a body of zero bytes is not no body': (subject) => roundTrip(subject, outcome(new Uint8Array(0))),
  'no body is not a body of zero bytes': (subject) => roundTrip(subject, outcome(null, { status: 204 })),
  'a body that was not kept is said to be so': (subject) => roundTrip(subject, outcome(null, { bodyKept: false })),

  'a body that is part of a larger buffer is that part': async (subject) => {
    await roundTrip(subject, outcome(Buffer.from('[before]the body[after]').subarray(8, 16)))
  },

  'a body is kept as it was, whatever becomes of the buffer that it came in': async ({ store }) => {
    const operation = anOperation()
    const buffer = Buffer.from('the body')
    await settled(store, operation, completed(outcome(buffer)))
    buffer.fill('x')
    const { body } = (await found(store, operation.id, 'completed')).outcome
    assert.equal(Buffer.from(body ?? []).toString(), 'the body')
  },

  'an outcome decided from outside keeps every byte': async ({ store }) => {
    const operation = anOperation()
    const { fence } = await unknown(store, operation)
    await store.resolve(operation.id, fence, completed(outcome(everyByte, { headers: lines })))
    const kept = await found(store, operation.id, 'completed')
    assert.deepEqual(plain({ ...kept, outcome: outcome(everyByte, { headers: lines }) }), plain(kept))
  },
}

const heads: Record<string, Check> = {
  'header lines keep order, case, repetition and text': (subject) =>
    roundTrip(subject, outcome('x', { headers: lines })),
  'an outcome without headers has none': (subject) => roundTrip(subject, outcome('x', { headers: [] })),

  'many long header lines are kept': async (subject) => {
    const headers = Array.from({ length: 200 }, (_, n): HeaderLine => [`x-${n}`, 'v'.repeat(1000)])
    await roundTrip(subject, outcome('x', { headers }))
  },

  'any status is kept': async (subject) => {
    for (const status of [200, 202, 204, 303, 402, 404, 418, 500, 599])
      await roundTrip(subject, outcome('x', { status }))
  },
}

const names: Record<string, Check> = {
  'ids and attempt ids of every shape are kept to the letter': async ({ store }) => {
    // Digests that begin with each of the two characters that base64url has besides letters and digits.
    const ids = ['-', '_'].map((first) => {
      for (let n = 0; ; n++) if (idOf(`shape ${n}`).startsWith(first)) return idOf(`shape ${n}`)
    })
    for (const id of [...ids, 'A'.repeat(43), `${'_'.repeat(42)}8`]) {
      const operation = anOperation({ id })
      const asked = terms({ attemptId: `${id.slice(0, 21)}A` })
      await settled(store, operation, completed(), asked)
      const record = await found(store, id, 'completed')
      assert.deepEqual([record.id, record.attemptId], [id, asked.attemptId])
    }
  },

  'fingerprints and names are kept to the letter': async ({ store }) => {
    const odd = ["'", '"', '\\', '%', '{}', 'a b', '$1', '?', ':x', 'v1:žluť', '日本', '🙂', 'x'.repeat(200)]
    for (const fingerprint of odd) {
      const operation = anOperation({ fingerprint, name: `op-${/[!-~]/.exec(fingerprint)?.[0] ?? 'x'}` })
      await settled(store, operation)
      const record = await found(store, operation.id, 'completed')
      assert.deepEqual([record.fingerprint, record.name], [fingerprint, operation.name])
    }
  },
}

export const outcomes: Theme = { name: 'outcomes', needs: [], checks: { ...bodies, ...heads, ...names } }
