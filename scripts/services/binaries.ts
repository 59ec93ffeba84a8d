// Finds the programs of a server, or the reason why they can't be had.
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { catalogue, type ServiceName, urlFromEnvironment } from './catalogue.ts'
import { canInstall, install } from './install.ts'

/** Debian keeps each version of PostgreSQL in a folder that is on nobody's PATH. */
function postgresFolders(): string[] {
  const home = '/usr/lib/postgresql'
  try {
    const versions = readdirSync(home).filter((version) => Number(version) > 0)
    return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(home, version, 'bin'))
  } catch {
    return []
  }
}

// An ordinary account's PATH often lacks the sbin folders, where distributions put mariadbd and pgbouncer.
function folders(): string[] {
  const path = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return [...path, '/usr/local/sbin', '/usr/sbin', '/opt/homebrew/bin', ...postgresFolders()]
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The folder that holds all of these programs; a link is followed to where its siblings are. */
export function folderOf(programs: readonly string[]): string | undefined {
  const [first = ''] = programs
  return folders()
    .map((folder) => join(folder, first))
    .filter(isProgram)
    .flatMap((path) => [dirname(path), dirname(realpathSync(path))])
    .find((folder) => programs.every((program) => isProgram(join(folder, program))))
}

/** The folder of the server's programs, installing them where that is possible. */
export async function obtain(name: ServiceName): Promise<string> {
  const { programs, debianPackage, variable } = catalogue[name]
  const present = folderOf(programs)
  if (present !== undefined) return present

  const advice = `install it (Debian: apt-get install ${debianPackage}) or set ${variable}`
  if (!canInstall()) throw new Error(`${programs.join(' and ')} not found: ${advice}`)
  try {
    await install(debianPackage)
  } catch (cause) {
    throw new Error(`${programs.join(' and ')} not found, and installing failed: ${advice}`, { cause })
  }
  const installed = folderOf(programs)
  if (installed === undefined) throw new Error(`the package ${debianPackage} brought no ${programs.join(' and ')}`)
  return installed
}

/** Why the server can't be had, or undefined when it can. */
export async function objectionTo(name: ServiceName): Promise<string | undefined> {
  if (urlFromEnvironment(name) !== undefined) return undefined
  try {
    await obtain(name)
    return undefined
  } catch (error) {
    const { message, cause } = error as Error
    return cause instanceof Error ? `${message}\n${cause.message}` : message
  }
}
