// Tables of their own for each check, on the shared server, dropped at its end.
import pg from 'pg'

let made = 0

/** A name that no other check of any process has. */
export function tableName(): string {
  made++
  return `t${process.pid.toString(36)}_${Date.now().toString(36)}_${made}`
}

/** A pool whose connections can be cut off at once, as the end of a process cuts them. */
export class CuttablePool extends pg.Pool {
  readonly #clients = new Set<pg.PoolClient>()

  constructor(url: string, config: pg.PoolConfig = {}) {
    super({ connectionString: url, max: 30, ...config })
    this.on('connect', (client) => this.#clients.add(client))
    this.on('remove', (client) => this.#clients.delete(client))
    this.on('error', () => undefined)
  }

  /** Ends every connection without a word, and waits until the server has noticed. */
  async cut(): Promise<void> {
    for (const client of this.#clients) {
      client.on('error', () => undefined)
      ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    }
    this.#clients.clear()
  }
}
