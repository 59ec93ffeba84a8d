/** The service in one piece: what it is made of, in the order in which it is opened and, backwards, closed. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import { createReprise } from 'reprise'
import { accountRoutes } from './accounts/routes.ts'
import { authenticator, requirePrincipal } from './auth.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { openDatabase } from './database/database.ts'
import { prepareDatabase } from './database/prepare.ts'
import { answerClientError, answerError, answerFailures, refuseCodedBodies } from './failures.ts'
import { healthRoutes, type Member } from './health.ts'
import { type NewId, randomId } from './ids.ts'
import { logRequests } from './log.ts'
import { documentRoutes } from './openapi/routes.ts'
import { BODY_BYTES_MAX, type Service } from './service.ts'
import { sweepRegularly } from './sweep.ts'
import { transferRoutes } from './transfers/routes.ts'

export interface Ledger {
  /** Closing it waits for the requests in flight and closes the database. */
  readonly app: FastifyInstance
  /** From now on the service says that it wants no more requests; it still answers those that come. */
  readonly drain: () => void
}

export interface LedgerParts {
  readonly config: Pick<Config, 'database' | 'keys' | 'logLevel'>
  readonly ids?: NewId
  readonly clock?: Clock
  /** Which of the processes of one ledger this is; the only one unless told. */
  readonly member?: Member
  /** Whoever started this process has brought the database up to date, and may need it no longer. */
  readonly prepared?: boolean
}

/** A whole request has to arrive within this time. */
const REQUEST_TIMEOUT_MS = 30_000

/** How long a transaction may take. One that stands still keeps others from its accounts, and all of ours are short. */
const LEASE = '10s'

export async function buildServer({
  config,
  ids = randomId,
  clock = systemClock,
  member = { number: 1, pid: process.pid },
  prepared = false,
}: LedgerParts): Promise<Ledger> {
  const app = Fastify({
    logger: { level: config.logLevel },
    genReqId: () => ids(),
    // Fastify's own lines per request would hold its path as it was sent; see log.ts.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // A request that comes while the service stops is served like any other; its connection is closed after it.
    return503OnClosing: false,
    frameworkErrors: (error, request, response) => void answerError(error, request, response),
    clientErrorHandler: answerClientError,
  })

  const service = await openService(config, { ids, clock, prepared, log: app.log })
  // One for all: every one of them could, but they would only get in each other's way.
  const sweeping = member.number === 1 ? sweepRegularly(service.reprise, clock, app.log) : undefined
  // Fastify runs this once the last request in flight has been answered.
  app.addHook('onClose', async () => {
    await sweeping?.stop()
    await service.database.close()
  })

  let draining = false
  const refuseOtherMethods = answerFailures(app)
  logRequests(app)
  app.decorateRequest('principal', '')
  // JSON is the one language here; Fastify would also take text/plain.
  app.removeContentTypeParser('text/plain')
  healthRoutes(app, service, member, () => draining)
  documentRoutes(app)
  await app.register(
    async (v1) => {
      v1.addHook('onRequest', requirePrincipal(authenticator(config.keys)))
      v1.addHook('onRequest', refuseCodedBodies)
      accountRoutes(v1, service)
      transferRoutes(v1, service)
    },
    { prefix: '/v1' },
  )
  refuseOtherMethods()

  return {
    app,
    drain: () => {
      draining = true
    },
  }
}

async function openService(
  config: LedgerParts['config'],
  parts: { readonly ids: NewId; readonly clock: Clock; readonly prepared: boolean; readonly log: FastifyBaseLogger },
): Promise<Service> {
  const { ids, clock, prepared, log } = parts
  const database = await openDatabase(config.database, (error) => log.warn({ err: error }, 'a connection was lost'))
  try {
    if (!prepared) await prepareDatabase(database, config.keys, clock)
  } catch (error) {
    await database.close()
    throw error
  }
  const reprise = createReprise({
    store: database.store,
    principal: ({ native }) => (native as FastifyRequest).principal,
    requestId: ({ native }) => (native as FastifyRequest).id,
    retention: '24h',
    lease: LEASE,
    onFault: (error, facts) => log.error({ err: error, ...facts }, 'an operation could not be protected'),
  })
  return { database, reprise, newId: ids, clock }
}
