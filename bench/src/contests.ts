/** All contests of throughput. */

import type { Contest, Duel } from './contest.ts'
import type { RedisSync } from './homes.ts'

const bare = 'the same effect in BEGIN … COMMIT'

const embedded: readonly Contest[] = [
  {
    id: 'S1',
    keys: 'fresh',
    duels: [
      {
        what: 'SQLite, transactional, durable ÷ the same handler without idempotency, one commit per request',
        a: 'reprise-sqlite',
        b: 'bare-sqlite',
        target: 5,
      },
    ],
  },
  {
    id: 'S2',
    keys: 'fresh',
    duels: [
      {
        what: 'SQLite, first call ÷ a handler that does nothing',
        a: 'reprise-sqlite',
        b: 'nothing',
        target: 0.6,
      },
    ],
  },
  {
    id: 'S3',
    keys: 'known',
    duels: [
      {
        what: 'SQLite, replay ÷ a handler that does nothing',
        a: 'reprise-sqlite',
        b: 'nothing',
        target: 0.9,
      },
    ],
  },
]

const overPostgres: readonly Contest[] = [
  {
    id: 'P1',
    keys: 'fresh',
    duels: [
      {
        what: `PostgreSQL, transactional, first call ÷ (a) ${bare}`,
        a: 'reprise-postgres',
        b: 'bare-postgres',
        target: 0.75,
      },
      {
        what: 'PostgreSQL, transactional, first call ÷ (b) that and a row for the outcome',
        a: 'reprise-postgres',
        b: 'bare-postgres-outcome',
        target: 1,
      },
      {
        what: `the same over postgres.js ÷ ${bare} over postgres.js`,
        a: 'reprise-postgres-js',
        b: 'bare-postgres-js',
      },
    ],
  },
  {
    id: 'P2',
    keys: 'fresh',
    duels: [
      {
        what: 'PostgreSQL, guarded, first call ÷ claim, effect and settlement in three statements and commits',
        a: 'reprise-postgres-guarded',
        b: 'unbatched-postgres',
        target: 1.5,
      },
    ],
  },
  {
    id: 'P3',
    keys: 'known',
    duels: [
      {
        what: `PostgreSQL, replay ÷ ${bare}`,
        a: 'reprise-postgres',
        b: 'bare-postgres',
        target: 3,
      },
      {
        what: `PostgreSQL, replay without the replay cache ÷ ${bare}`,
        a: 'reprise-postgres-uncached',
        b: 'bare-postgres',
      },
    ],
  },
  {
    id: 'P4',
    keys: 'fresh',
    duels: [
      {
        what: 'PostgreSQL, transactional, first call ÷ a DBOS workflow with the key as its id',
        a: 'reprise-postgres',
        b: 'dbos',
        target: 8,
      },
    ],
  },
]

function overRedis(sync: RedisSync): Contest[] {
  const floor = (client: string): Duel => ({
    what: `Redis (${sync}), first call ÷ SET NX, effect and SET, both over ${client}`,
    a: `reprise-${client}`,
    b: `raw-${client}`,
    target: 0.95,
  })
  const peers = (what: string, target: number): Duel[] => [
    {
      what: `Redis (${sync}), ${what} ÷ @node-idempotency/core`,
      a: 'reprise-node-redis',
      b: 'node-idempotency',
      target,
    },
    {
      what: `Redis (${sync}), ${what} ÷ @aws-lambda-powertools/idempotency`,
      a: 'reprise-node-redis',
      b: 'powertools',
    },
    {
      what: `Redis (${sync}), ${what} ÷ express-idempotency, both on Express`,
      a: 'reprise-express',
      b: 'express-idempotency',
    },
  ]
  const uncached: Duel = {
    what: `Redis (${sync}), replay without the replay cache ÷ @node-idempotency/core`,
    a: 'reprise-node-redis-uncached',
    b: 'node-idempotency',
  }
  return [
    { id: 'R1', keys: 'fresh', redisSync: sync, duels: [floor('ioredis'), floor('node-redis')] },
    { id: 'R2', keys: 'fresh', redisSync: sync, duels: peers('first call', 1) },
    { id: 'R2', keys: 'known', redisSync: sync, duels: [...peers('replay', 1.2), uncached] },
  ]
}

export const contests: readonly Contest[] = [
  ...embedded,
  ...overPostgres,
  ...overRedis('always'),
  ...overRedis('everysec'),
]
