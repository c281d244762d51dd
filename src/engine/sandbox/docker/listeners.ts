import { readFile } from 'node:fs/promises'
import type { Listener } from '../sandbox.ts'

/** Where the processes beside this one listen, as the kernel of this machine says; null: the process is not of this machine, or may not be looked at. */
export async function listenersOf(pid: number): Promise<Listener[] | null> {
  if (!(pid > 0)) return null
  const read = (name: string) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => null)
  const [four, six] = await Promise.all([read('tcp'), read('tcp6')])
  return four === null ? null : [...listenersIn(four), ...listenersIn(six ?? '')]
}

/** State 0A is listening; the address is hexadecimal, its words the wrong way round. */
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
