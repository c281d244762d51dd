import { existsSync } from 'node:fs'
import { run } from './command.ts'

/** How this machine reaches the packages of Debian: its mirrors and its proxy, so that a base made here uses the same. */

export interface AptTarget {
  uri: string
  suite: string
}

/**
 * Where this host gets Debian's own packages from, asked for another release of it: mirrors carry all of them. Third-party
 * sources are none of the image's business.
 */
export function debianTargets(indexTargets: string, release: string): AptTarget[] {
  const rows = indexTargets.split('\n').map((line) => line.split('|'))
  const targets = rows
    .map(([uri = '', origin = '', suite = '', component = '']) => ({ uri, origin, part: partOf(suite), component }))
    .filter(({ origin, part, component }) => origin === 'Debian' && component === 'main' && releaseParts.includes(part))
    .map(({ uri, part }) => ({ uri, suite: `${release}${part}` }))
  return targets.filter(({ suite }, at) => targets.findIndex((other) => other.suite === suite) === at)
}

/** What every release consists of. */
const releaseParts = ['', '-updates', '-security']

function partOf(suite: string): string {
  return suite.slice(suite.split('-')[0]?.length)
}

export function sourcesList(targets: AptTarget[]): string {
  return targets.map(({ uri, suite }) => `deb ${uri} ${suite} main\n`).join('')
}

/** The proxy that apt uses on this host, as the environment that debootstrap and builds understand. */
export function proxyEnvironment(aptConfig: string): Record<string, string> {
  const proxy = (scheme: string) => aptConfig.match(new RegExp(`^Acquire::${scheme}::Proxy "(.+)";`, 'mi'))?.[1]
  const found = { http_proxy: proxy('http'), https_proxy: proxy('https') }
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

export async function hostProxyEnvironment(): Promise<Record<string, string>> {
  return proxyEnvironment((await run('apt-config', ['dump', 'Acquire'])).stdout)
}

export async function hostDebianTargets(release: string): Promise<AptTarget[]> {
  if (!existsSync('/etc/debian_version')) return []
  const format = '$(REPO_URI)|$(ORIGIN)|$(CODENAME)|$(COMPONENT)'
  const result = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])
  return debianTargets(result.stdout, release)
}
