/** What the document shows. Tests hold every example against its schema. */
import type { Problem as RepriseProblem } from 'reprise'
import type { Account, NewAccount, WorldAccount } from '../accounts/schema.ts'
import type { Health } from '../health.ts'
import type { Page } from '../paging.ts'
import { type Problem, problem } from '../problems.ts'
import { refusalOf } from '../transfers/refusals.ts'
import type { NewTransfer, Transfer } from '../transfers/schema.ts'

export const newAccount: NewAccount = { id: 'alice', owner: 'Alice Adams', currency: 'EUR' }

export const account: Account = {
  id: 'alice',
  owner: 'Alice Adams',
  currency: 'EUR',
  balance: 100_00,
  created_at: '2026-05-04T09:30:00.000Z',
}

export const world: WorldAccount = {
  id: 'world',
  owner: 'world',
  currency: null,
  balance: -100_00,
  balances: { EUR: -100_00 },
  created_at: '2026-05-04T09:00:00.000Z',
}

export const accountPage: Page<Account | WorldAccount> = { items: [world, account], next_cursor: null }

export const deposit: NewTransfer = { from: 'world', to: 'alice', amount: 100_00, currency: 'EUR' }

export const newTransfer: NewTransfer = {
  from: 'alice',
  to: 'bob',
  amount: 25_00,
  currency: 'EUR',
  reference: 'Rent for May',
}

export const transfer: Transfer = {
  id: 'b5c1a0d4-3f6e-4a53-9d0b-6f1c2e8a7d90',
  from: 'alice',
  to: 'bob',
  amount: 25_00,
  currency: 'EUR',
  reference: 'Rent for May',
  status: 'posted',
  created_at: '2026-05-04T09:31:00.000Z',
}

export const transferPage: Page<Transfer> = { items: [transfer], next_cursor: null }

const poor = { id: 'alice', currency: 'EUR' }
const rich = { id: 'bob', currency: 'EUR' }

export const insufficientFunds: Problem = refusalOf(newTransfer, poor, rich)
export const unknownAccount: Problem = refusalOf(newTransfer, poor, undefined)
export const currencyMismatch: Problem = refusalOf(newTransfer, poor, { ...rich, currency: 'USD' })
export const balanceLimit: Problem = refusalOf(deposit, { id: 'world', currency: null }, poor)

export const validationFailed: Problem = problem('validation-failed', 'Correct the members listed in "errors".', {
  errors: [{ pointer: '/amount', detail: 'Too small: expected number to be >=1.' }],
})
export const queryInvalid: Problem = problem('query-invalid', 'Correct the parameters listed in "errors".', {
  errors: [{ parameter: 'cursor', detail: 'This list never gave this cursor.' }],
})
export const accountExists: Problem = problem('account-exists', 'The id "alice" is taken in this ledger.', {
  pointer: '/id',
})
export const unauthenticated: Problem = problem('unauthenticated', 'Send a known key as "Authorization: Bearer <key>".')
export const accountNotFound: Problem = problem('account-not-found', 'This ledger has no account with this id.')
export const transferNotFound: Problem = problem('transfer-not-found', 'This ledger has no transfer with this id.')
export const internalError: Problem = problem(
  'internal-error',
  'The request failed, and nothing of it happened. The operators have the details.',
)
export const notReady: Problem = problem('not-ready', 'The service is stopping.')
export const absent: Problem = problem('not-ready', 'The database does not answer.')
export const health: Health = { status: 'up', process: { number: 2, pid: 4711 }, database: 'postgres' }

export const keyMissing: RepriseProblem = {
  type: 'https://reprise.dev/problems/idempotency-key-missing',
  title: 'An idempotency key is required',
  status: 400,
  detail: 'Send Idempotency-Key: a fresh key per operation, and the same one with every retry.',
  code: 'idempotency-key-missing',
  retryable: false,
  key_action: 'new',
  outcome: 'none',
}

export const keyReused: RepriseProblem = {
  mismatch: ['body'],
  type: 'https://reprise.dev/problems/idempotency-key-reused',
  title: 'The idempotency key belongs to another request',
  status: 422,
  detail: 'The key was first sent with a request that differs in: body.',
  code: 'idempotency-key-reused',
  retryable: false,
  key_action: 'new',
  outcome: 'unchanged',
}

export const inProgress: RepriseProblem = {
  started_at: '2026-05-04T09:31:00.000Z',
  type: 'https://reprise.dev/problems/idempotency-in-progress',
  title: 'The operation is still running',
  status: 409,
  detail: 'The first attempt with this key is still running. Send the same request again after the time given.',
  code: 'idempotency-in-progress',
  retryable: true,
  retry_after: 1,
  key_action: 'reuse',
  outcome: 'unknown',
}

export const keyExpired: RepriseProblem = {
  type: 'https://reprise.dev/problems/idempotency-key-expired',
  title: 'The outcome of the operation is no longer kept',
  status: 410,
  detail: 'The operation of this key ended so long ago that its answer is no longer kept. It is not run again.',
  code: 'idempotency-key-expired',
  retryable: false,
  key_action: 'new',
  outcome: 'applied',
}

export const unavailable: RepriseProblem = {
  type: 'https://reprise.dev/problems/idempotency-unavailable',
  title: 'The operation could not be protected',
  status: 503,
  detail: 'The record of operations could not be reached. Nothing happened; send the same request again.',
  code: 'idempotency-unavailable',
  retryable: true,
  retry_after: 1,
  key_action: 'reuse',
  outcome: 'none',
}
