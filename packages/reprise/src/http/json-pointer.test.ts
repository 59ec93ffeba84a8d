import { describe, expect, it } from 'vitest'
import { compilePointers } from './json-pointer.ts'

describe('compilePointers', () => {
  it('is nothing for no pointers', () => {
    expect(compilePointers([])).toBeUndefined()
  })

  it('names the fields of forms by pointers with one step', () => {
    expect(compilePointers(['/sent at', '/caf\u00e9', '/a~1b', '/deep/er'])?.fields).toEqual(
      new Set(['sent%20at', 'caf%C3%A9', 'a%2Fb']),
    )
  })

  it.each(['', 'a', 'a/b', '/a~', '/a~2b', '#/a'])('refuses %j', (pointer) => {
    expect(() => compilePointers([pointer])).toThrow(expect.objectContaining({ code: 'option-invalid' }))
  })
})
