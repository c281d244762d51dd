import { readFile } from 'node:fs/promises'
import type { Listener } from '../sandbox.ts'

/**
 * Addresses on which processes in the network namespace of `pid` listen, from /proc of this machine; null: the process runs on
 * another machine, or may not be inspected.
 */
export async function listenersOf(pid: number): Promise<Listener[] | null> {
  if (!(pid > 0)) return null
  const read = (name: string) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => null)
  const [four, six] = await Promise.all([read('tcp'), read('tcp6')])
  return four === null ? null : [...listenersIn(four), ...listenersIn(six ?? '')]
}

/** State 0A is listening; the address is hexadecimal, in words of reversed byte order. */
export function listenersIn(table: string): Listener[] {
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/))
  return rows
    .filter(([, , , state]) => state === '0A')
    .map(([, local = '']) => {
      const [address = '', port = '0'] = local.split(':')
      return { port: Number.parseInt(port, 16), onlyLoopback: isLoopback(address) }
    })
}

const isLoopback = (hex: string): boolean =>
  hex.length === 8 ? hex.endsWith('7F') : hex === '00000000000000000000000001000000'
