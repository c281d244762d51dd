/** The whole firewall rules for functions: a lost line weakens the isolation, an added one needs a reason. */
import { describe, expect, test } from 'vitest'
import { firewallRules } from '../../src/engine/sandbox/docker/firewall-rules.ts'

const spec = { instance: 'abc', bridge: 'tb-abc', allow: [] as string[], maxConnections: 1000 as number | null }
const chains = (overrides: Partial<typeof spec> = {}) =>
  Object.fromEntries(
    firewallRules({ ...spec, ...overrides }).chains.map(({ name, rules }) => [
      name,
      rules.map((rule) => rule.join(' ')),
    ]),
  )

const known = '-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN'
const limit = '-m connlimit --connlimit-above 1000 --connlimit-mask 32 -j REJECT --reject-with icmp-admin-prohibited'
const noMetadata = '-d 169.254.0.0/16 -j REJECT --reject-with icmp-admin-prohibited'
const noPublished = [
  '-m conntrack --ctstate DNAT -p tcp -j REJECT --reject-with tcp-reset',
  '-m conntrack --ctstate DNAT -j REJECT --reject-with icmp-admin-prohibited',
]
const nothing = ['-p tcp -j REJECT --reject-with tcp-reset', '-j REJECT --reject-with icmp-admin-prohibited']

describe('functions with a network reach', () => {
  test('neither the host nor metadata, unless somebody says so', () => {
    expect(chains()).toEqual({
      'TB-abc-OUT': [known, limit, noMetadata, ...noPublished],
      'TB-abc-HOST': [known, limit, ...nothing],
    })
  })

  test('metadata when it is named, and nothing else', () => {
    const opened = chains({ allow: ['metadata'] })
    expect(opened['TB-abc-OUT']).toEqual([known, limit, '-d 169.254.0.0/16 -j RETURN', noMetadata, ...noPublished])
    expect(opened['TB-abc-HOST']).toEqual([known, limit, ...nothing])
  })

  test('a port of the host when it is named, also where it is published of a container', () => {
    const opened = chains({ allow: ['host:5432'] })
    expect(opened['TB-abc-OUT']).toEqual([
      known,
      limit,
      noMetadata,
      '-m conntrack --ctstate DNAT --ctorigdstport 5432 -j RETURN',
      ...noPublished,
    ])
    expect(opened['TB-abc-HOST']).toEqual([
      known,
      limit,
      '-p tcp --dport 5432 -j RETURN',
      '-p udp --dport 5432 -j RETURN',
      ...nothing,
    ])
  })

  test('all of the host, and an address, when they are named', () => {
    const opened = chains({ allow: ['host', '169.254.1.1:80'], maxConnections: null })
    expect(opened['TB-abc-OUT']).toEqual([
      known,
      '-d 169.254.1.1 -p tcp --dport 80 -j RETURN',
      '-d 169.254.1.1 -p udp --dport 80 -j RETURN',
      noMetadata,
      '-m conntrack --ctstate DNAT -j RETURN',
      ...noPublished,
    ])
    expect(opened['TB-abc-HOST']).toEqual([known, '-j RETURN', ...nothing])
  })
})

test('only what comes from the bridge of the functions is looked at', () => {
  expect(firewallRules(spec).jumps).toEqual([
    { from: 'forward', match: ['-i', 'tb-abc'], to: 'TB-abc-OUT' },
    { from: 'INPUT', match: ['-i', 'tb-abc'], to: 'TB-abc-HOST' },
  ])
})
