import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'

/** The addresses of this machine, and its networks of containers. */
export interface HostNetworks {
  addresses: string[]
  /** The networks, written like `172.17.0.0/16`. */
  containers: string[]
}

/**
 * Node.js leaves out interfaces without a carrier, such as a bridge whose containers have all ended; the kernel still answers at
 * their addresses. So its own tables are read where there are some (Linux). `root`: the folder that contains `proc` and `sys`.
 */
export function readHostNetworks(root = '/'): HostNetworks {
  const seen = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
  const sixes = addressesOf6(textOf(root, 'proc/net/if_inet6'))
  const isOfContainers = (name: string) => isContainerBridge(join(root, 'sys/class/net'), name)
  const networks = [...networksOf4(textOf(root, 'proc/net/route')), ...sixes].filter(
    ({ network, device }) => !network.startsWith('fe80') && isOfContainers(device),
  )
  return {
    addresses: [
      ...new Set([
        ...seen,
        ...localOf4(textOf(root, 'proc/net/fib_trie')),
        ...sixes.map(({ network }) => beforeSlash(network)),
      ]),
    ],
    containers: [...new Set(networks.map(({ network }) => network))],
  }
}

interface DeviceNetwork {
  device: string
  network: string
}

function textOf(root: string, path: string): string {
  try {
    return readFileSync(join(root, path), 'latin1')
  } catch {
    return ''
  }
}

/** A bridge that no network card belongs to: what is at its other ports is on this machine. */
function isContainerBridge(devices: string, name: string): boolean {
  if (!existsSync(join(devices, name, 'bridge'))) return false
  return !entriesOf(join(devices, name, 'brif')).some((port) => isUplink(join(devices, port)))
}

/** A card, or what is made of one: a VLAN, a bond. */
const isUplink = (device: string): boolean =>
  existsSync(join(device, 'device')) || entriesOf(device).some((entry) => entry.startsWith('lower_'))

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Lines of `|-- 172.17.0.1`, each followed by what that is: `/32 host LOCAL`. */
const localOf4 = (trie: string): string[] =>
  [...trie.matchAll(/\|-- (\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g)].map((match) => match[1] as string)

/** Columns: device, destination and mask as little-endian hex. Default routes lead elsewhere. */
function networksOf4(routes: string): DeviceNetwork[] {
  const rows = routes.split('\n').map((line) => line.split('\t'))
  return rows.slice(1).flatMap(([device = '', destination = '', gateway, , , , , mask = '']) => {
    const length = onesIn(mask)
    if (gateway !== '00000000' || length === 0) return []
    return [{ device, network: `${dotted(destination)}/${length}` }]
  })
}

const dotted = (hex: string): string =>
  (hex.match(/../g) ?? [])
    .reverse()
    .map((pair) => Number.parseInt(pair, 16))
    .join('.')

const onesIn = (hex: string): number =>
  [...Number.parseInt(hex || '0', 16).toString(2)].filter((bit) => bit === '1').length

/** Columns: address, index, length of the prefix in hex, scope, flags, device. */
function addressesOf6(lines: string): DeviceNetwork[] {
  return [...lines.matchAll(/^([\da-f]{32}) \S+ ([\da-f]+) \S+ \S+ +(\S+)$/gm)].map(
    ([, hex = '', length = '', device = '']) => ({
      device,
      network: `${(hex.match(/.{4}/g) ?? []).join(':')}/${Number.parseInt(length, 16)}`,
    }),
  )
}

const beforeSlash = (text: string): string => text.replace(/\/.*/, '')
