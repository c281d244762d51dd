/** What functions with a network may reach, as rules of the host's packet filter. Values only; `firewall.ts` installs them. */

export interface FirewallSpec {
  instance: string
  /** The bridge's interface on the host. */
  bridge: string
  /**
   * Exceptions: `host` or `host:port` (the host's own services), `metadata` (the cloud's link-local service), or an IPv4 address
   * or network, optionally with a port.
   */
  allow: string[]
  /** Where this server listens for containers on the bridge; absent: they cannot reach it. */
  server?: { address: string; port: number }
  /** Concurrent connections of one worker; null: no limit. */
  maxConnections: number | null
}

export interface FirewallRules {
  /** Our own chains with their rules in order. */
  chains: { name: string; rules: string[][] }[]
  /** Where the chains are entered: the system's chain and the match. */
  jumps: { from: 'forward' | 'INPUT'; match: string[]; to: string }[]
}

const metadata = '169.254.0.0/16'
const known = ['-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'RETURN']
const reset = ['-p', 'tcp', '-j', 'REJECT', '--reject-with', 'tcp-reset']
const unreachable = ['-j', 'REJECT', '--reject-with', 'icmp-admin-prohibited']

/**
 * Responses to connections of the host pass. Other packets pass only by an exception; the rest is rejected, not dropped, so that
 * nobody waits for a timeout.
 */
export function firewallRules({ instance, bridge, allow, server, maxConnections }: FirewallSpec): FirewallRules {
  const [out, host] = [`TB-${instance}-OUT`, `TB-${instance}-HOST`]
  const opened = allow.map(parsed)
  const limit = maxConnections === null ? [] : [limited(maxConnections)]
  return {
    chains: [
      {
        name: out,
        rules: [
          known,
          ...limit,
          ...opened.filter((one) => one.to !== 'host').flatMap((one) => passing(one)),
          ['-d', metadata, ...unreachable],
          // Published ports of other containers are reached at an address of the host and then forwarded.
          ...opened.filter((one) => one.to === 'host').flatMap((one) => published(one)),
          ['-m', 'conntrack', '--ctstate', 'DNAT', ...reset],
          ['-m', 'conntrack', '--ctstate', 'DNAT', ...unreachable],
        ],
      },
      {
        name: host,
        rules: [
          known,
          ...limit,
          ...(server === undefined ? [] : [reaching(server)]),
          ...opened.filter((one) => one.to === 'host').flatMap((one) => passing(one)),
          reset,
          unreachable,
        ],
      },
    ],
    jumps: [
      { from: 'forward', match: ['-i', bridge], to: out },
      { from: 'INPUT', match: ['-i', bridge], to: host },
    ],
  }
}

/** Datagrams also count, for as long as the host tracks their sender. */
const limited = (connections: number): string[] => [
  ...['-m', 'connlimit', '--connlimit-above', String(connections), '--connlimit-mask', '32'],
  ...unreachable,
]

const reaching = ({ address, port }: { address: string; port: number }): string[] => [
  ...['-d', address, '-p', 'tcp', '--dport', String(port)],
  ...['-j', 'RETURN'],
]

interface Opened {
  to: string
  port: string | undefined
}

function parsed(entry: string): Opened {
  const [to = '', port] = entry.split(':')
  return { to: to === 'metadata' ? metadata : to, port }
}

function passing({ to, port }: Opened): string[][] {
  const address = to === 'host' ? [] : ['-d', to]
  if (port === undefined) return [[...address, '-j', 'RETURN']]
  return ['tcp', 'udp'].map((protocol) => [...address, '-p', protocol, '--dport', port, '-j', 'RETURN'])
}

function published({ port }: Opened): string[][] {
  const asked = port === undefined ? [] : ['--ctorigdstport', port]
  return [['-m', 'conntrack', '--ctstate', 'DNAT', ...asked, '-j', 'RETURN']]
}
