/**
 * Whether the process is up (`/healthz`), whether it should be sent requests (`/readyz`), and, where several share one
 * address, which of them has answered (`/health`).
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { problem, sendProblem } from './problems.ts'
import type { Service } from './service.ts'

/** One of the processes that serve one ledger. */
export interface Member {
  /** From 1. A process that takes the place of a dead one takes its number too. */
  readonly number: number
  readonly pid: number
}

export interface Health {
  readonly status: 'up' | 'stopping'
  readonly process: Member
  readonly database: 'sqlite' | 'postgres'
}

export const Health: z.ZodType<Health> = z
  .object({
    status: z.enum(['up', 'stopping']),
    process: z.object({
      number: z.int().min(1).meta({ description: 'Its place among the processes behind this address.' }),
      pid: z.int().min(1),
    }),
    database: z.enum(['sqlite', 'postgres']),
  })
  .meta({ id: 'Health', description: 'Which process has answered, and what it works on.' })

export function healthRoutes(
  app: FastifyInstance,
  { database, reprise }: Service,
  member: Member,
  isDraining: () => boolean,
): void {
  app.get('/healthz', async () => ({ status: 'up' }))

  app.get('/health', async (): Promise<Health> => {
    return { status: isDraining() ? 'stopping' : 'up', process: member, database: database.kind }
  })

  app.get('/readyz', async (request, response) => {
    if (isDraining()) return sendProblem(response, problem('not-ready', 'The service is stopping.'))
    try {
      await Promise.all([database.ping(), reprise.list({ limit: 1 })])
    } catch (error) {
      request.log.error({ err: error }, 'the database does not answer')
      return sendProblem(response, problem('not-ready', 'The database does not answer.'))
    }
    return { status: 'ready' }
  })
}
