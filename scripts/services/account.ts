// The account a server runs under. Most database servers refuse to run as root.
import { readFileSync } from 'node:fs'
import { chown } from 'node:fs/promises'

export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>

/** The first of these accounts that exists; nothing, meaning one's own, unless we are root. */
export function accountOf(...names: string[]): Account {
  if (process.getuid?.() !== 0) return {}
  const entries = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name = '', , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  )
  for (const name of [...names, 'nobody']) {
    const account = entries.get(name)
    if (account !== undefined) return account
  }
  throw new Error(`Running as root, and there is no account to run the server under: ${names.join(', ')}, nobody`)
}

export async function giveTo(account: Account, path: string): Promise<void> {
  if (account.uid !== undefined && account.gid !== undefined) await chown(path, account.uid, account.gid)
}
