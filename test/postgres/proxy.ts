// A wire between a client and PostgreSQL that breaks where a test says: before a statement reaches the server, after it has
// done its work, or never quite.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * What happens to the statement. `cut-before`: the wire is cut, and the server never sees it. `cut-after`: the server does all
 * of it, and the wire is cut before a byte of the answer gets through. `silence`: the server does all of it, the answer is
 * lost, and the wire stays up. `hold`: it waits until `release` is called.
 */
export type Fate = 'cut-before' | 'cut-after' | 'silence' | 'hold'

interface Rule {
  readonly text: RegExp
  readonly fate: Fate
  readonly met: () => void
}

export interface Trap {
  /** Resolves when it has sprung: for the fates that let the server work, when the server has done it. */
  readonly sprung: Promise<void>
  /** Lets a held statement go on. */
  release(): void
}

export interface Wire {
  /** The URL of the server, through the wire. */
  readonly url: string
  /** The next statement that is executed and whose text matches meets this fate, whichever connection it comes on. */
  trap(text: RegExp, fate: Fate): Trap
  /** Cuts every connection that is open now. */
  cut(): void
  /** From now on connections are cut by a reset, as by a firewall or a machine that was restarted. */
  resets(): void
  /** Lets no connection through while true. */
  refuse(refused: boolean): void
  /** How many statements with such a text were executed since the last `forget`. */
  seen(text: RegExp): number
  /** The last of them. */
  last(text: RegExp): string | undefined
  forget(): void
  close(): Promise<void>
}

export async function startProxy(target: string): Promise<Wire> {
  const server = new URL(target)
  const connections = new Set<Connection>()
  const rules = new Set<Rule>()
  const manner = { reset: false }
  let texts: string[] = []
  let refusing = false

  const judge = (text: string): Rule | undefined => {
    texts.push(text)
    for (const rule of rules) {
      if (!rule.text.test(text)) continue
      rules.delete(rule)
      return rule
    }
    return undefined
  }

  const listener: Server = createServer((client) => {
    if (refusing) return void client.destroy()
    const connection = new Connection(client, connect(Number(server.port), server.hostname), judge, manner)
    connections.add(connection)
    client.once('close', () => connections.delete(connection))
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const url = new URL(target)
  url.port = String((listener.address() as AddressInfo).port)

  return {
    url: url.href,
    trap: (text, fate) => {
      const sprung = new Promise<void>((resolve) => {
        rules.add({ text, fate, met: resolve })
      })
      const release = (): void => {
        for (const connection of connections) connection.release()
      }
      return { sprung, release }
    },
    cut: () => {
      for (const connection of connections) connection.cut()
    },
    resets: () => {
      manner.reset = true
    },
    refuse: (refused) => {
      refusing = refused
    },
    seen: (text) => texts.filter((one) => text.test(one)).length,
    last: (text) => texts.findLast((one) => text.test(one)),
    forget: () => {
      texts = []
    },
    close: async () => {
      for (const connection of connections) connection.cut()
      const closed = once(listener, 'close')
      listener.close()
      await closed
    },
  }
}

/** One connection. What the client sends is taken apart into messages; what the server answers is only counted. */
class Connection {
  readonly #client: Socket
  readonly #server: Socket
  readonly #judge: (text: string) => Rule | undefined
  /** The texts of the statements that this connection has prepared, by name. */
  readonly #prepared = new Map<string, string>()
  #sent = Buffer.alloc(0)
  #answered = Buffer.alloc(0)
  #started = false
  /** Messages that the server ends with ReadyForQuery, less those that it has ended. */
  #awaited = 1
  #deaf: Rule | undefined
  #held: { readonly rule: Rule; readonly message: Buffer } | undefined

  readonly #manner: { readonly reset: boolean }

  constructor(
    client: Socket,
    server: Socket,
    judge: (text: string) => Rule | undefined,
    manner: { readonly reset: boolean },
  ) {
    this.#client = client
    this.#server = server
    this.#judge = judge
    this.#manner = manner
    client.setNoDelay(true)
    server.setNoDelay(true)
    for (const socket of [client, server]) {
      socket.on('error', () => this.cut())
      socket.on('close', () => this.cut())
    }
    client.on('data', (bytes: Buffer) => {
      this.#sent = Buffer.concat([this.#sent, bytes])
      this.#forward()
    })
    server.on('data', (bytes: Buffer) => this.#answer(bytes))
  }

  cut(): void {
    if (this.#manner.reset) this.#client.resetAndDestroy()
    else this.#client.destroy()
    this.#server.destroy()
  }

  release(): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    this.#pass(held.message)
    this.#forward()
  }

  #forward(): void {
    while (this.#held === undefined && !this.#client.destroyed) {
      const message = this.#next()
      if (message === undefined) return
      const rule = this.#ruleOf(message)
      switch (rule?.fate) {
        case undefined:
          this.#pass(message)
          break
        case 'cut-before':
          this.cut()
          rule.met()
          return
        case 'hold':
          this.#held = { rule, message }
          rule.met()
          return
        case 'cut-after':
        case 'silence':
          this.#deaf = rule
          this.#pass(message)
      }
    }
  }

  /** The next whole message of the client. The first has no letter before its length. */
  #next(): Buffer | undefined {
    const at = this.#started ? 1 : 0
    if (this.#sent.length < at + 4) return undefined
    const length = at + this.#sent.readUInt32BE(at)
    if (this.#sent.length < length) return undefined
    const message = this.#sent.subarray(0, length)
    this.#sent = this.#sent.subarray(length)
    return message
  }

  #ruleOf(message: Buffer): Rule | undefined {
    if (!this.#started) return undefined
    switch (String.fromCharCode(message[0] as number)) {
      case 'Q':
        return this.#judge(message.toString('utf8', 5, message.length - 1))
      case 'P': {
        const [name = '', text = ''] = message.toString('utf8', 5).split('\0')
        this.#prepared.set(name, text)
        return undefined
      }
      case 'B': {
        const [, name = ''] = message.toString('latin1', 5).split('\0')
        return this.#judge(this.#prepared.get(name) ?? '')
      }
      default:
        return undefined
    }
  }

  #pass(message: Buffer): void {
    const letter = this.#started ? String.fromCharCode(message[0] as number) : ''
    this.#started = true
    if (letter === 'Q' || letter === 'S') this.#awaited++
    this.#server.write(message)
  }

  #answer(bytes: Buffer): void {
    this.#answered = Buffer.concat([this.#answered, bytes])
    while (this.#answered.length >= 5) {
      const length = 1 + this.#answered.readUInt32BE(1)
      if (this.#answered.length < length) break
      if (this.#answered[0] === 'Z'.charCodeAt(0)) this.#awaited--
      this.#answered = this.#answered.subarray(length)
    }
    if (this.#deaf === undefined) {
      this.#client.write(bytes)
      return
    }
    if (this.#awaited > 0) return
    if (this.#deaf.fate === 'cut-after') this.cut()
    this.#deaf.met()
  }
}
