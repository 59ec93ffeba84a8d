/** `/v1/transfers` */
import type { FastifyInstance } from 'fastify'
import { reply } from 'reprise'
import { idempotent } from 'reprise/fastify'
import { readPage } from '../paging.ts'
import { problem, refusal, sendProblem } from '../problems.ts'
import { BODY_BYTES_MAX, type Service } from '../service.ts'
import { checkBody } from '../validation.ts'
import { NewTransfer } from './schema.ts'
import { findTransfer, listTransfers, postTransfer } from './transfers.ts'

export function transferRoutes(app: FastifyInstance, { database, reprise, newId, clock }: Service): void {
  const { reads } = database

  app.post(
    '/transfers',
    idempotent(
      reprise,
      { name: 'transfer.create', guarantee: 'transactional', requestLimit: BODY_BYTES_MAX },
      async (attempt, request) => {
        // Checked here and not in front of Reprise, for the reasons given where accounts are created.
        const body = checkBody(NewTransfer, request.body)
        if (body.kind === 'invalid') return refusal(body.problem)
        const row = { principal: attempt.principal, id: newId(), at: clock.now().toISOString() }
        const posted = await postTransfer(database.within(attempt.tx), row, body.value)
        if (posted.kind === 'refused') return refusal(posted.problem)
        return reply(201, posted.transfer, { location: `/v1/transfers/${row.id}` })
      },
    ),
  )

  app.get<{ Params: { id: string } }>('/transfers/:id', async (request, response) => {
    const transfer = await findTransfer(reads, request.principal, request.params.id)
    return transfer ?? sendProblem(response, problem('transfer-not-found', 'This ledger has no transfer with this id.'))
  })

  app.get('/transfers', async (request, response) => {
    const { principal } = request
    const read = await readPage('transfers', request.query, {
      has: async (id) => (await findTransfer(reads, principal, id)) !== undefined,
      read: (before, limit) => listTransfers(reads, principal, { before, limit }),
    })
    return read.kind === 'refused' ? sendProblem(response, read.problem) : read.page
  })
}
