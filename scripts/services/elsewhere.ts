// A server that the environment names. It is somebody else's: it can be used, and nothing can be done to it.
import { catalogue, type ServiceName, urlFromEnvironment } from './catalogue.ts'
import type { Server } from './server.ts'

export function serverElsewhere(name: ServiceName): Server | undefined {
  const url = urlFromEnvironment(name)
  return url === undefined ? undefined : elsewhere(name, url, catalogue[name].variable)
}

export function elsewhere(name: string, url: string, variable: string): Server {
  const objection = (what: string) =>
    new Error(`Can't ${what} the ${name} that ${variable} names: it is not ours. Unset ${variable} for a private one.`)
  const refuse = (what: string) => () => Promise.reject(objection(what))
  return {
    name,
    url,
    port: Number(new URL(url).port),
    folder: '',
    pid: undefined,
    kill: refuse('kill'),
    halt: refuse('halt'),
    restart: refuse('restart'),
    pause() {
      throw objection('pause')
    },
    resume() {
      throw objection('resume')
    },
    stop: () => Promise.resolve(),
  }
}
