import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { type FirewallRules, type FirewallSpec, firewallRules } from './firewall-rules.ts'

const execute = promisify(execFile)
const iptables = (...args: string[]) => execute('iptables', ['-w', '5', ...args])

/** The packet filter rules of one installation. Installing them again does no harm. */
export class Firewall {
  #spec: FirewallSpec
  #rules: FirewallRules
  #isIn = false

  constructor(spec: FirewallSpec) {
    this.#spec = spec
    this.#rules = firewallRules(spec)
  }

  /** Returns the rules that are not in force, as sentences; empty: all are. */
  async bringIn(): Promise<string[]> {
    const reason = await this.#tryRules(this.#rules)
    if (reason === null) return []
    const closed = await this.#tryRules(firewallRules({ ...this.#spec, maxConnections: null }))
    if (closed === null) return [`the connections of functions are not limited: ${reason}`]
    return [
      `functions with a network reach the host's own services and the cloud's metadata address, and their connections are not limited: ${closed}. Give them "network": "none", or let the server run as root beside the engine`,
    ]
  }

  /** Null: the rules are in force. Else the reason why not. */
  async #tryRules(rules: FirewallRules): Promise<string | null> {
    if (process.getuid?.() !== 0) return 'this server does not run as root'
    if (!existsSync(`/sys/class/net/${this.#spec.bridge}`)) return 'the engine and this server do not share a network'
    this.#isIn = true
    try {
      await fill(rules)
      for (const jump of await this.#jumps()) {
        await iptables('-D', ...jump).catch(() => {})
        await iptables('-I', ...jump)
      }
      return null
    } catch (error) {
      return reasonOf(error)
    }
  }

  /** Removes all rules; a rule that cannot be removed does nothing without its bridge. */
  async takeOut(): Promise<void> {
    if (!this.#isIn) return
    for (const jump of await this.#jumps().catch(() => [])) await iptables('-D', ...jump).catch(() => {})
    for (const { name } of this.#rules.chains) {
      await iptables('-F', name).catch(() => {})
      await iptables('-X', name).catch(() => {})
    }
  }

  /** Docker keeps a chain for rules of others; without that chain ours are inserted first. */
  async #jumps(): Promise<string[][]> {
    const hasOwn = await iptables('-n', '-L', 'DOCKER-USER').then(
      () => true,
      () => false,
    )
    const forward = hasOwn ? 'DOCKER-USER' : 'FORWARD'
    return this.#rules.jumps.map(({ from, match, to }) => [from === 'forward' ? forward : from, ...match, '-j', to])
  }
}

/** Replaces all chains in one transaction, so that a partial set is never in force. */
async function fill({ chains }: FirewallRules): Promise<void> {
  const lines = [
    '*filter',
    ...chains.map(({ name }) => `:${name} - [0:0]`),
    ...chains.flatMap(({ name, rules }) => rules.map((rule) => `-A ${name} ${rule.join(' ')}`)),
    'COMMIT',
    '',
  ]
  await new Promise<void>((resolve, reject) => {
    let said = ''
    const restore = spawn('iptables-restore', ['-w', '5', '--noflush'], { stdio: ['pipe', 'ignore', 'pipe'] })
    restore.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    restore.once('error', reject)
    restore.once('close', (code) => (code === 0 ? resolve() : reject(new Error(said.trim() || `code ${code}`))))
    restore.stdin.on('error', () => {})
    restore.stdin.end(lines.join('\n'))
  })
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'there is no iptables on this machine'
  return `iptables refused the rules: ${message.split('\n')[0]}`
}
