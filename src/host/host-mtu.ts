import { readdirSync, readFileSync } from 'node:fs'

/** The MTU of this machine's network, which containers must not exceed. */

export const standardMtu = 1500

export interface NetworkInterface {
  name: string
  mtu: number
  isUp: boolean
}

export function hostMtu(): number {
  return chooseMtu(readFileSync('/proc/net/route', 'utf8'), readInterfaces())
}

/** The MTU of the default route's interface; without one, the smallest of those that are up. */
export function chooseMtu(routeTable: string, interfaces: NetworkInterface[]): number {
  const outward = interfaces.filter(({ name, isUp }) => isUp && name !== 'lo')
  const byRoute = outward.filter(({ name }) => name === defaultInterface(routeTable))
  const candidates = byRoute.length > 0 ? byRoute : outward
  return Math.min(standardMtu, ...candidates.map(({ mtu }) => mtu))
}

/** The interface of the default route with the lowest metric, from the text of /proc/net/route. */
export function defaultInterface(routeTable: string): string | undefined {
  const rows = routeTable
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t').map((cell) => cell.trim()))
    .map(([name, destination, , , , , metric, mask]) => ({ name, destination, metric: Number(metric), mask }))
  const defaults = rows.filter(({ destination, mask }) => destination === '00000000' && mask === '00000000')
  return defaults.sort((one, other) => one.metric - other.metric)[0]?.name
}

const isUpFlag = 1

function readInterfaces(): NetworkInterface[] {
  const read = (name: string, file: string) => readFileSync(`/sys/class/net/${name}/${file}`, 'utf8').trim()
  return readdirSync('/sys/class/net').map((name) => ({
    name,
    mtu: Number(read(name, 'mtu')),
    isUp: (Number(read(name, 'flags')) & isUpFlag) !== 0,
  }))
}
