import type { HttpHead } from '../domain/outcome.ts'

/** Headers that concern one connection, and our own token: they are passed neither to a function nor from it. */
export const notPassed: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'x-auth-token',
])

/** The function's headers, without those that are the connection's or ours. The length is what is sent, not what is said. */
export function passedHeaders({ headers }: HttpHead): string[] {
  const passed: string[] = []
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (!notPassed.has(lower) && lower !== 'content-length' && lower !== 'x-execution-id') passed.push(name, value)
  }
  return passed
}

/** The length that a function announces; null when it announces none, or several. */
export function announcedLength({ headers }: HttpHead): number | null {
  const [length, ...more] = headers.filter(([name]) => name.toLowerCase() === 'content-length')
  return length !== undefined && more.length === 0 && /^\d{1,15}$/.test(length[1]) ? Number(length[1]) : null
}
