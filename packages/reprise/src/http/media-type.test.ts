import { describe, expect, it } from 'vitest'
import { mediaType } from './media-type.ts'

describe('mediaType', () => {
  it.each([
    [undefined, { text: '', kind: 'other' }],
    ['  ', { text: '', kind: 'other' }],
    ['application/json', { text: 'application/json', kind: 'json' }],
    ['Application/JSON ; Charset="UTF-8"', { text: 'application/json', kind: 'json' }],
    ['application/merge-patch+json', { text: 'application/merge-patch+json', kind: 'json' }],
    ['application/json;b=2;a=1', { text: 'application/json;a="1";b="2"', kind: 'json' }],
    ['application/json; charset=UTF-16', { text: 'application/json;charset=utf-16', kind: 'json' }],
    ['application/json-seq', { text: 'application/json-seq', kind: 'other' }],
    ['application/x-www-form-urlencoded', { text: 'application/x-www-form-urlencoded', kind: 'form' }],
    ['multipart/form-data; boundary=aB', { text: 'multipart/form-data', kind: 'multipart', boundary: 'aB' }],
    ['multipart/form-data;boundary="a \\"b"', { text: 'multipart/form-data', kind: 'multipart', boundary: 'a "b' }],
    ['multipart/form-data', { text: 'multipart/form-data', kind: 'other' }],
    ['text/plain;', { text: 'text/plain', kind: 'other' }],
  ])('reads %j', (value, expected) => {
    expect(mediaType(value)).toEqual(expected)
  })

  it.each(['json', 'application/json, text/plain', 'application/json; a', 'application/json; a="b', '/', ';a=b'])(
    'keeps %j as it is, and its body as bytes',
    (value) => {
      expect(mediaType(value)).toEqual({ text: value, kind: 'other' })
    },
  )
})
