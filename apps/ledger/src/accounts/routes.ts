/** `/v1/accounts` */
import type { FastifyInstance } from 'fastify'
import { reply } from 'reprise'
import { idempotent } from 'reprise/fastify'
import { readPage } from '../paging.ts'
import { problem, refusal, sendProblem } from '../problems.ts'
import { BODY_BYTES_MAX, type Service } from '../service.ts'
import { checkBody } from '../validation.ts'
import { accountExists, createAccount, findAccount, listAccounts } from './accounts.ts'
import { NewAccount } from './schema.ts'

export function accountRoutes(app: FastifyInstance, { database, reprise, newId, clock }: Service): void {
  const { reads } = database

  app.post(
    '/accounts',
    idempotent(
      reprise,
      { name: 'account.create', guarantee: 'transactional', requestLimit: BODY_BYTES_MAX },
      async (attempt, request) => {
        // Here and not in front of Reprise: a retry gets the answer of its first attempt whatever is valid today, and a
        // key that belongs to another body is told so, even if this body is wrong too.
        const body = checkBody(NewAccount, request.body)
        if (body.kind === 'invalid') return refusal(body.problem)
        const { principal } = attempt
        const { id = newId() } = body.value
        const row = { principal, id, at: clock.now().toISOString() }
        const account = await createAccount(database.within(attempt.tx), row, body.value)
        if (account === undefined) {
          return refusal(problem('account-exists', `The id "${id}" is taken in this ledger.`, { pointer: '/id' }))
        }
        return reply(201, account, { location: `/v1/accounts/${id}` })
      },
    ),
  )

  app.get<{ Params: { id: string } }>('/accounts/:id', async (request, response) => {
    const account = await findAccount(reads, request.principal, request.params.id)
    return account ?? sendProblem(response, problem('account-not-found', 'This ledger has no account with this id.'))
  })

  app.get('/accounts', async (request, response) => {
    const { principal } = request
    const read = await readPage('accounts', request.query, {
      has: (id) => accountExists(reads, principal, id),
      read: (after, limit) => listAccounts(reads, principal, { after, limit }),
    })
    return read.kind === 'refused' ? sendProblem(response, read.problem) : read.page
  })
}
