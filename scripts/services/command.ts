// The command line of scripts/services.ts: starts what is named, prints where it is, runs until Ctrl-C.
import { catalogue, type ServiceName, serviceNames } from './catalogue.ts'
import { shareServers } from './shared.ts'

const isServiceName = (name: string): name is ServiceName => (serviceNames as readonly string[]).includes(name)

export async function runServices(names: readonly string[]): Promise<void> {
  if (names.length === 0 || !names.every(isServiceName)) {
    console.error(`Usage: node --import tsx scripts/services.ts ${serviceNames.map((name) => `[${name}]`).join(' ')}`)
    process.exitCode = 2
    return
  }

  // Listens before it starts anything: Ctrl-C must work in the middle, too.
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  const keepAlive = setInterval(() => undefined, 60_000)
  const servers = shareServers()
  try {
    await Promise.race([interrupted, announce(servers, names)])
    await interrupted
  } finally {
    clearInterval(keepAlive)
    await servers.stop()
  }
}

async function announce(servers: { urlOf(name: ServiceName): Promise<string> }, names: readonly ServiceName[]) {
  const announced = names.map(async (name) => {
    const url = await servers.urlOf(name)
    console.log(`export ${catalogue[name].variable}='${url}'`)
  })
  await Promise.all(announced)
}
