/** What functions with a network may reach, as rules of the host's packet filter. Values only; `firewall.ts` brings them in. */

export interface FirewallSpec {
  instance: string
  /** The bridge's interface on the host. */
  bridge: string
  /**
   * What is opened again: `host` or `host:port` (the host's own services), `metadata` (the cloud's, link-local), or an IPv4
   * address or network, with a port where only that is meant.
   */
  allow: string[]
  /** Where this server listens for those on the bridge; absent: they do not reach it. */
  server?: { address: string; port: number }
  /** Connections that one worker may have at once; null: as many as it likes. */
  maxConnections: number | null
}

export interface FirewallRules {
  /** Chains of our own, with their rules in order. */
  chains: { name: string; rules: string[][] }[]
  /** Where they are entered: chain of the system, and the match. */
  jumps: { from: 'forward' | 'INPUT'; match: string[]; to: string }[]
}

const metadata = '169.254.0.0/16'
const known = ['-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'RETURN']
const reset = ['-p', 'tcp', '-j', 'REJECT', '--reject-with', 'tcp-reset']
const unreachable = ['-j', 'REJECT', '--reject-with', 'icmp-admin-prohibited']

/** Answers to what the host asked pass; the rest by name, else it is refused at once, so that nobody waits for a silence. */
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
          // What the host publishes of other containers: it is reached at an address of the host, and passed on.
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

/** Datagrams count as well, for as long as the host remembers who sent them. */
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
