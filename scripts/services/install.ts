// Installs a missing server from Debian's packages, without letting the package start a system service.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const POLICY = '/usr/sbin/policy-rc.d'

export function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}

const installs = new Map<string, Promise<void>>()
let last: Promise<unknown> = Promise.resolve()

/** Tried once per package and process, one package after the other. */
export function install(debianPackage: string): Promise<void> {
  const known = installs.get(debianPackage)
  if (known !== undefined) return known
  const installed = last.then(() => withoutStartingServices(() => fetchPackage(debianPackage)))
  last = installed.catch(() => undefined)
  installs.set(debianPackage, installed)
  return installed
}

async function fetchPackage(debianPackage: string): Promise<void> {
  try {
    await aptGet('install', '--no-install-recommends', debianPackage)
  } catch {
    // A fresh image has no package lists, and old lists name versions that are gone.
    await aptGet('update')
    await aptGet('install', '--no-install-recommends', debianPackage)
  }
}

async function aptGet(...args: string[]): Promise<void> {
  // Another process may be installing as well: wait for it.
  await run('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    maxBuffer: 64 << 20,
  })
}

/** Packages ask this script before they start a service; 101 forbids it. An existing one is somebody's decision. */
async function withoutStartingServices(action: () => Promise<void>): Promise<void> {
  const ours = await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' }).then(
    () => true,
    () => false,
  )
  try {
    await action()
  } finally {
    if (ours) await rm(POLICY, { force: true })
  }
}
