/** Rows of Markdown, as they come. */

import type { Spread } from './spread.ts'

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

export function row(...cells: readonly string[]): void {
  print(`| ${cells.join(' | ')} |`)
}

export function head(...cells: readonly string[]): void {
  print('')
  row(...cells)
  row(...cells.map(() => '---'))
}

export function whole({ min, median, max }: Spread): string {
  return [min, median, max].map((n) => Math.round(n).toLocaleString('en')).join(' / ')
}

export function fine({ min, median, max }: Spread): string {
  return [min, median, max].map((n) => n.toFixed(2)).join(' / ')
}
