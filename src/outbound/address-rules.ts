import { BlockList, isIP } from 'node:net'
import type { HostNetworks } from './host-networks.ts'

/**
 * The addresses that may be contacted, by the rules for functions with egress (`engine/sandbox/docker/firewall-rules.ts`): all
 * addresses of the host itself, its networks of containers, which the host reaches past their firewall, and link-local
 * addresses, where clouds serve metadata, are closed.
 */

type Rules = (address: string, port: number) => boolean

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

/** Networks come and go with containers, so what is known of them is not older than this. */
const freshMs = 5000

/** The rules for the host's networks at the time of each question. `elapsed`: of a monotonic clock, in milliseconds. */
export function currentRules(allow: string[], read: () => HostNetworks, elapsed: () => number): Rules {
  let rules: Rules | undefined
  let readAt = 0
  return (address, port) => {
    if (rules === undefined || elapsed() - readAt >= freshMs) {
      readAt = elapsed()
      rules = addressRules(allow, read())
    }
    return rules(address, port)
  }
}

/** `allow`: as in `FirewallSpec.allow`. Pure. */
export function addressRules(allow: string[], { addresses, containers }: HostNetworks): Rules {
  const host = listOf(closedNetworks)
  for (const own of addresses) if (isIP(own) !== 0) host.addAddress(own, familyOf(own))
  const others = listOf([...metadataNetworks, ...containers.map(networkIn)])
  const metadata = listOf(metadataNetworks)
  const opened = allow.map(openedBy)
  return (given, port) => {
    const address = plain(given)
    const family = familyOf(address)
    const isHost = host.check(address, family)
    if (!isHost && !others.check(address, family)) return true
    const place = isHost ? 'host' : metadata.check(address, family) ? 'metadata' : 'containers'
    return opened.some((one) => (one.port === null || one.port === port) && one.covers(address, place))
  }
}

interface Opened {
  port: number | null
  covers(address: string, place: 'host' | 'metadata' | 'containers'): boolean
}

function openedBy(entry: string): Opened {
  const [to = '', portText] = entry.split(':')
  const port = portText === undefined ? null : Number(portText)
  if (to === 'host' || to === 'metadata') return { port, covers: (_address, place) => place === to }
  const list = listOf([networkIn(to)])
  return { port, covers: (address) => list.check(address, familyOf(address)) }
}

/** `172.17.0.0/16`, or one address. */
function networkIn(text: string): (typeof closedNetworks)[number] {
  const [network = '', prefix] = text.split('/')
  const family = familyOf(network)
  return [network, Number(prefix ?? (family === 'ipv4' ? 32 : 128)), family]
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
