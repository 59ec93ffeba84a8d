import { expect, test } from 'vitest'
import { authenticator } from './auth.ts'

const authenticate = authenticator([
  { principal: 'demo', key: 'demo-key' },
  { principal: 'demo', key: 'rotated' },
  { principal: 'other', key: 'other-key' },
])

test.for([
  ['Bearer demo-key', 'demo'],
  ['bearer demo-key', 'demo'],
  ['BEARER   rotated', 'demo'],
  ['Bearer other-key', 'other'],
] as const)('%s is %s', ([authorization, principal]) => {
  expect(authenticate(authorization)).toBe(principal)
})

test.for([
  undefined,
  '',
  'demo-key',
  'Bearer',
  'Bearer ',
  'Bearer demo-key2',
  'Bearer demo-ke',
  'Bearer demo-key x',
  'Bearer demo-key, Bearer other-key',
  'Basic ZGVtbzpkZW1v',
  'Bearer DEMO-KEY',
])('%s is nobody', (authorization) => {
  expect(authenticate(authorization)).toBeUndefined()
})
