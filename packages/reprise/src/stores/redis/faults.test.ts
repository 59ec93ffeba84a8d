import { describe, expect, it, test } from 'vitest'
import { codeOf, unavailable } from './faults.ts'

describe('what Redis says', () => {
  it.each([
    ["READONLY You can't write against a read only replica.", 'READONLY'],
    ["READONLY You can't write against a read only replica. script: 0a, on @user_script:12.", 'READONLY'],
    [
      "ERR Error running script (call to f_0a): @user_script:12: -OOM command not allowed when used memory > 'maxmemory'.",
      'OOM',
    ],
    ['MOVED 3999 127.0.0.1:6381', 'MOVED'],
    ['CLUSTERDOWN Hash slot not served', 'CLUSTERDOWN'],
    ['LOADING Redis is loading the dataset in memory', 'LOADING'],
    ['ERR value is not an integer', undefined],
    ['the READONLY word inside', undefined],
  ])('"%s" is %s', (message, code) => {
    expect(codeOf(new Error(message))).toBe(code)
    expect(unavailable(new Error(message))).toMatchObject({ code: 'store-unavailable', cause: { message } })
  })
})

test('an answer that was to be kept is not in the error of the command that failed', () => {
  const error = Object.assign(new Error('OOM command not allowed'), {
    command: { name: 'evalsha', args: ['the secret answer'] },
  })
  expect(JSON.stringify(unavailable(error).cause, ['command', 'args', 'message'])).not.toContain('secret')
})
