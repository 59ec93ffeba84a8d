/** What the server is, and whether it keeps what it acknowledges: read, not assumed. */

import { RepriseError } from '../../engine/errors.ts'
import type { MysqlConnection } from './client.ts'
import { rowsOf, type Session } from './session.ts'
import { nowMs } from './table.ts'

/** Settings that lose acknowledged commits in a crash, and that may be accepted by name. */
export const lossySettings = ['innodb_flush_log_at_trx_commit', 'sync_binlog'] as const
export type LossySetting = (typeof lossySettings)[number]

export interface Server {
  readonly kind: 'mariadb' | 'mysql'
  readonly version: string
  /** The database that names without a schema are in. */
  readonly database: string | undefined
  readonly nowMs: number
  readonly maxPacketBytes: number
  /** A lock-wait time-out rolls back the whole transaction, not the statement alone. */
  readonly timeoutRollsBack: boolean
}

interface Is {
  readonly version: string
  readonly name: string | null
  readonly now_ms: number | string
}

const asked = [
  'autocommit',
  'binlog_format',
  'innodb_flush_log_at_trx_commit',
  'innodb_rollback_on_timeout',
  'log_bin',
  'max_allowed_packet',
  'read_only',
  'super_read_only',
  'sync_binlog',
]

/**
 * Asks the server what it is. Throws `server-unfit` where it can't keep the promise of the store; a loss that is among
 * `accepted` is let pass.
 */
export async function fitServer(session: Session<MysqlConnection>, accepted: readonly LossySetting[]): Promise<Server> {
  const names = asked.map((name) => `'${name}'`).join(', ')
  const [[found], rows] = (await session.together([
    rowsOf(`select version() as version, database() as name, ${nowMs} as now_ms`),
    rowsOf(`show variables where variable_name in (${names})`),
  ])) as [readonly Is[], readonly { Variable_name: string; Value: string }[]]
  const is = found as Is
  const settings = new Map(rows.map(({ Variable_name, Value }) => [Variable_name, Value.toLowerCase()]))
  const { version } = is
  const kind = /mariadb/i.test(version) ? 'mariadb' : 'mysql'
  refuseOld(kind, version)
  refuseSettings(kind, settings, accepted)
  return {
    kind,
    version,
    database: is.name ?? undefined,
    nowMs: Number(is.now_ms),
    maxPacketBytes: Number(settings.get('max_allowed_packet') ?? 1024 * 1024),
    timeoutRollsBack: settings.get('innodb_rollback_on_timeout') === 'on',
  }
}

function refuseOld(kind: Server['kind'], version: string): void {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  const needed = kind === 'mariadb' ? [10, 5] : [8, 0]
  if (major > (needed[0] as number) || (major === needed[0] && minor >= (needed[1] as number))) return
  throw unfit(`The server is ${version}.`, `This needs MariaDB 10.5 or MySQL 8.0, or later ones of either.`)
}

function refuseSettings(
  kind: Server['kind'],
  settings: ReadonlyMap<string, string>,
  accepted: readonly LossySetting[],
): void {
  const refuse = (name: string, gives: string, fix: string): never => {
    const override = lossySettings.find((lossy) => lossy === name)
    const accept = override === undefined ? '' : ` To accept that loss, say acceptLoss: ['${override}'].`
    throw unfit(`${name} is ${settings.get(name)}: ${gives}.`, `${fix}.${accept}`)
  }
  const flush = settings.get('innodb_flush_log_at_trx_commit') ?? '1'
  // 3 is MariaDB's name for syncing once more than 1 does.
  const flushed = flush === '1' || (kind === 'mariadb' && flush === '3')
  if (!flushed && !accepted.includes('innodb_flush_log_at_trx_commit')) {
    const loses = flush === '0' ? 'a crash of the server' : 'a power cut or a crash of its machine'
    const gives = `${loses} loses outcomes that were already answered`
    refuse('innodb_flush_log_at_trx_commit', gives, 'Set it to 1')
  }
  if (settings.get('log_bin') === 'on') {
    if (settings.get('sync_binlog') !== '1' && !accepted.includes('sync_binlog')) {
      const gives =
        'after a power cut, what the binary log has lost is rolled back, outcomes that were answered among it'
      refuse('sync_binlog', gives, 'Set it to 1')
    }
    if (settings.get('binlog_format') === 'statement') {
      refuse('binlog_format', 'transactions under READ COMMITTED can not be logged', 'Set it to ROW or MIXED')
    }
  }
  for (const name of ['read_only', 'super_read_only']) {
    if (['on', '1'].includes(settings.get(name) ?? 'off')) {
      refuse(name, 'this is a replica, or a server under maintenance', 'Connect to the server that takes writes')
    }
  }
  if (settings.get('autocommit') === 'off') {
    refuse('autocommit', 'statements of this pool are not committed by themselves', 'Let its connections keep it ON')
  }
}

function unfit(fact: string, fix: string): RepriseError {
  return new RepriseError('server-unfit', `${fact} ${fix}`)
}
