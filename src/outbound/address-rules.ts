import { BlockList, isIP } from 'node:net'

/**
 * The addresses that may be contacted, by the rules for functions with egress (`engine/sandbox/docker/firewall-rules.ts`): all
 * addresses of the host itself and link-local ones, where clouds serve metadata, are closed.
 */

const closedNetworks: [address: string, prefix: number, family: 'ipv4' | 'ipv6'][] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['::1', 128, 'ipv6'],
]
const metadataNetworks: typeof closedNetworks = [
  ['169.254.0.0', 16, 'ipv4'],
  ['fe80::', 10, 'ipv6'],
  ['fd00:ec2::254', 128, 'ipv6'],
]

/** `allow`: as in `FirewallSpec.allow`. `ownAddresses`: addresses of the host. Pure. */
export function addressRules(allow: string[], ownAddresses: string[]): (address: string, port: number) => boolean {
  const host = listOf(closedNetworks)
  for (const own of ownAddresses) if (isIP(own) !== 0) host.addAddress(own, familyOf(own))
  const metadata = listOf(metadataNetworks)
  const opened = allow.map(openedBy)
  return (given, port) => {
    const address = plain(given)
    const family = familyOf(address)
    const isHost = host.check(address, family)
    if (!isHost && !metadata.check(address, family)) return true
    return opened.some((one) => (one.port === null || one.port === port) && one.covers(address, isHost))
  }
}

interface Opened {
  port: number | null
  covers(address: string, isHost: boolean): boolean
}

function openedBy(entry: string): Opened {
  const [to = '', portText] = entry.split(':')
  const port = portText === undefined ? null : Number(portText)
  if (to === 'host') return { port, covers: (_address, isHost) => isHost }
  if (to === 'metadata') return { port, covers: (_address, isHost) => !isHost }
  const [network = '', prefix = '32'] = to.split('/')
  const list = listOf([[network, Number(prefix), 'ipv4']])
  return { port, covers: (address) => list.check(address, familyOf(address)) }
}

function listOf(networks: typeof closedNetworks): BlockList {
  const list = new BlockList()
  for (const [address, prefix, family] of networks) list.addSubnet(address, prefix, family)
  return list
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** An IPv4 address inside an IPv6 one (mapped, or NAT64) counts as that IPv4 address. */
function plain(address: string): string {
  const withoutZone = address.replace(/%.*$/, '')
  const dotted = /^(?:::ffff:|64:ff9b::)(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(withoutZone)?.[1]
  if (dotted !== undefined) return dotted
  const hex = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(withoutZone)
  if (hex === null) return withoutZone
  const value = Number.parseInt(hex[1] as string, 16) * 65_536 + Number.parseInt(hex[2] as string, 16)
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}
