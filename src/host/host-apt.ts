import { existsSync } from 'node:fs'
import { runCommand } from './command.ts'

/** A source of Debian packages on this machine, which a base built here uses as well. */

export interface AptTarget {
  uri: string
  suite: string
}

/**
 * The host's sources of Debian packages, changed to another release: mirrors carry all releases. Third-party sources are left
 * out.
 */
export function debianTargets(indexTargets: string, release: string): AptTarget[] {
  const rows = indexTargets.split('\n').map((line) => line.split('|'))
  const targets = rows
    .map(([uri = '', origin = '', suite = '', component = '']) => ({ uri, origin, part: partOf(suite), component }))
    .filter(({ origin, part, component }) => origin === 'Debian' && component === 'main' && releaseParts.includes(part))
    .map(({ uri, part }) => ({ uri, suite: `${release}${part}` }))
  return targets.filter(({ suite }, at) => targets.findIndex((other) => other.suite === suite) === at)
}

/** The suites of each release. */
const releaseParts = ['', '-updates', '-security']

function partOf(suite: string): string {
  return suite.slice(suite.split('-')[0]?.length)
}

export function sourcesList(targets: AptTarget[]): string {
  return targets.map(({ uri, suite }) => `deb ${uri} ${suite} main\n`).join('')
}

/** apt's proxy on this host, as environment variables for debootstrap and builds. */
export function proxyEnvironment(aptConfig: string): Record<string, string> {
  const proxy = (scheme: string) => aptConfig.match(new RegExp(`^Acquire::${scheme}::Proxy "(.+)";`, 'mi'))?.[1]
  const found = { http_proxy: proxy('http'), https_proxy: proxy('https') }
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

export async function hostProxyEnvironment(): Promise<Record<string, string>> {
  return proxyEnvironment((await runCommand('apt-config', ['dump', 'Acquire'])).stdout)
}

export async function hostDebianTargets(release: string): Promise<AptTarget[]> {
  if (!existsSync('/etc/debian_version')) return []
  const format = '$(REPO_URI)|$(ORIGIN)|$(CODENAME)|$(COMPONENT)'
  const result = await runCommand('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])
  return debianTargets(result.stdout, release)
}
