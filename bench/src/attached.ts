/** `node dist/attached.js <program> …` runs a program for as long as its own stdin is open: who started it may die. */

import { spawn } from 'node:child_process'

const [program = '', ...args] = process.argv.slice(2)
const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] })
child.once('exit', (code) => process.exit(code ?? 1))
process.stdin.once('close', () => child.kill('SIGTERM')).resume()
