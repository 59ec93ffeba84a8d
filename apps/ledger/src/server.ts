/** The service in one piece: what it is made of, in the order in which it is opened and, backwards, closed. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import Libsql from 'libsql'
import { createReprise } from 'reprise'
import { sqlite } from 'reprise/sqlite'
import { openLedger } from './accounts/accounts.ts'
import { accountRoutes } from './accounts/routes.ts'
import { authenticator, requirePrincipal } from './auth.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { openLedgerDatabase } from './database/sqlite.ts'
import { answerClientError, answerError, answerFailures, refuseCodedBodies } from './failures.ts'
import { healthRoutes } from './health.ts'
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
  readonly config: Pick<Config, 'databaseFile' | 'keys' | 'logLevel'>
  readonly ids?: NewId
  readonly clock?: Clock
}

/** A whole request has to arrive within this time. */
const REQUEST_TIMEOUT_MS = 30_000

export async function buildServer({ config, ids = randomId, clock = systemClock }: LedgerParts): Promise<Ledger> {
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

  const service = await openService(config, { ids, clock, log: app.log })
  const sweeping = sweepRegularly(service.reprise, clock, app.log)
  // Fastify runs this once the last request in flight has been answered.
  app.addHook('onClose', async () => {
    await sweeping.stop()
    await service.reprise.store.close()
    await service.database.close()
  })

  let draining = false
  const refuseOtherMethods = answerFailures(app)
  logRequests(app)
  app.decorateRequest('principal', '')
  // JSON is the one language here; Fastify would also take text/plain.
  app.removeContentTypeParser('text/plain')
  healthRoutes(app, service, () => draining)
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

/** Opens the file, prepares it for this build, and gives every principal a ledger. */
async function openService(
  config: LedgerParts['config'],
  { ids, clock, log }: { ids: NewId; clock: Clock; log: FastifyBaseLogger },
): Promise<Service> {
  const file = config.databaseFile
  await mkdir(dirname(file), { recursive: true })
  const store = sqlite({ file, driver: Libsql })
  try {
    await store.migrate()
    const database = await openLedgerDatabase(file, async (db) => {
      const at = clock.now().toISOString()
      for (const principal of new Set(config.keys.map((key) => key.principal))) await openLedger(db, principal, at)
    })
    const reprise = createReprise({
      store,
      principal: ({ native }) => (native as FastifyRequest).principal,
      requestId: ({ native }) => (native as FastifyRequest).id,
      retention: '24h',
      onFault: (error, facts) => log.error({ err: error, ...facts }, 'an operation could not be protected'),
    })
    return { database, reprise, newId: ids, clock }
  } catch (error) {
    await store.close()
    throw error
  }
}
