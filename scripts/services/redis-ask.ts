// One command to a Redis, without a client library: its inline protocol is a line there and a reply back.
import { connect } from 'node:net'

/** The first line of the reply, or all of a bulk reply. Rejects when the server does. */
export function askRedis(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`))
    let reply = ''
    socket.setEncoding('utf8').setTimeout(5_000, () => socket.destroy(new Error(`No reply to ${command}`)))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`Redis hung up on ${command}`)))
    socket.on('data', (chunk) => {
      reply += chunk
      const text = complete(reply)
      if (text === undefined) return
      if (text.startsWith('-')) reject(new Error(`${command}: ${text.slice(1)}`))
      else resolve(text)
      socket.destroy()
    })
  })
}

function complete(reply: string): string | undefined {
  const end = reply.indexOf('\r\n')
  if (end < 0) return undefined
  const line = reply.slice(0, end)
  if (!line.startsWith('$')) return line.replace(/^[+:]/, '')
  const length = Number(line.slice(1))
  return reply.length < end + 2 + length ? undefined : reply.slice(end + 2, end + 2 + length)
}
