import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeValue, layoutOf, rowOf, shelfCount, slotOf } from './layout.ts'

const layout = layoutOf('reprise:')
const tagOf = (key: string): string => /\{(.*?)\}/.exec(key)?.[1] ?? ''

describe('where records lie', () => {
  it('knows the slots of the Cluster specification', () => {
    expect(slotOf('123456789')).toBe(0x31c3)
    expect(slotOf('foo')).toBe(12_182)
  })

  it('puts the shelves into slots that are 64 apart', () => {
    const slots = layout.shelves.map(({ index }) => slotOf(tagOf(index)))
    expect(slots.map((slot) => Math.floor(slot / 64))).toEqual(Array.from({ length: shelfCount }, (_, n) => n))
  })

  it('puts a record into the slot of its shelf, whatever its id', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (id) => {
        const shelf = layout.shelves[layout.shelfOf(id)]
        expect(tagOf(layout.record(id))).toBe(tagOf(shelf?.index ?? ''))
      }),
    )
  })

  it('never moves a record: the shelves of these ids are for ever', () => {
    expect(['', 'a', 'probe', hash('sha256', '1', 'base64url')].map((id) => layout.record(id))).toMatchInlineSnapshot(`
      [
        "reprise:{0}:r:",
        "reprise:{201}:r:a",
        "reprise:{240}:r:probe",
        "reprise:{121}:r:a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s",
      ]
    `)
  })

  it('spreads the digests of ids evenly', () => {
    const counts = Array.from({ length: shelfCount }, () => 0)
    for (let n = 0; n < 256 * shelfCount; n++) {
      const shelf = layout.shelfOf(hash('sha256', `${n}`, 'base64url'))
      counts[shelf] = (counts[shelf] ?? 0) + 1
    }
    expect(Math.min(...counts)).toBeGreaterThan(180)
    expect(Math.max(...counts)).toBeLessThan(340)
  })
})

describe('a record as a string', () => {
  const written = (body: Uint8Array | null) => ({
    record: '[1,"completed","ž\\n"]',
    body,
    state: 'completed' as const,
    name: 'n',
    dueAtMs: 1,
  })
  const readBack = (body: Uint8Array | null) => rowOf('id', Buffer.from(encodeValue(written(body))))

  it('comes back as it was, whatever the bytes of its body', () => {
    const body = fc.oneof(
      fc.constant(null),
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'grapheme' }).map((text) => new TextEncoder().encode(`\uFEFF${text}\n`)),
      fc.constant(new Uint8Array(70_000).fill(65)),
    )
    fc.assert(
      fc.property(body, (given) => {
        const row = readBack(given)
        expect(row.record).toBe(written(given).record)
        expect(row.body === null ? null : Buffer.from(row.body).toString('hex')).toBe(
          given === null ? null : Buffer.from(given).toString('hex'),
        )
      }),
    )
  })

  it('keeps no body and an empty body apart', () => {
    expect(readBack(null).body).toBe(null)
    expect(readBack(new Uint8Array()).body).toEqual(new Uint8Array())
  })

  it('reads a body into memory of its own', () => {
    const reply = Buffer.concat([Buffer.alloc(5000), Buffer.from(encodeValue(written(new Uint8Array([1, 2, 3]))))])
    const { body } = rowOf('id', reply.subarray(5000))
    expect(body?.buffer.byteLength).toBe(3)
  })

  it('is an error when it is no text', () => {
    expect(() => rowOf('id', Buffer.from([0x5b, 0xff, 0x5d]))).toThrow(
      expect.objectContaining({ code: 'record-unreadable' }),
    )
  })
})
