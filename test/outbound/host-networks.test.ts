import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { addressRules, currentRules } from '../../src/outbound/address-rules.ts'
import { readHostNetworks } from '../../src/outbound/host-networks.ts'

const routes = [
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
  'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
  'docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
  'br0\t0007A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  'br1\t0008A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
]
const trie = [
  'Local:',
  '        +-- 172.17.0.0/16 2 0 2',
  '              |-- 172.17.0.0',
  '                 /16 link UNICAST',
  '              |-- 172.17.0.1',
  '                 /32 host LOCAL',
  '           |-- 172.17.255.255',
  '              /32 link BROADCAST',
]
const sixes = [
  'fd000000000000000000000000000001 05 40 00 80  docker0',
  'fe80000000000000000000fffe000001 05 40 20 80  docker0',
  '20010db8000000000000000000000007 04 40 00 80     eth0',
]

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-machine-'))
  folders.push(folder)
  return folder
}

/** A machine with a card, a bridge of containers without any now, and two bridges that lead to a network outside. */
function machine(): string {
  const root = emptyFolder()
  const files: Record<string, string> = {
    'proc/net/route': routes.join('\n'),
    'proc/net/fib_trie': trie.join('\n'),
    'proc/net/if_inet6': sixes.join('\n'),
    'sys/class/net/eth0/device': '',
    'sys/class/net/docker0/bridge': '',
    'sys/class/net/br0/bridge': '',
    'sys/class/net/br0/brif/eth1': '',
    'sys/class/net/eth1/device': '',
    'sys/class/net/br1/bridge': '',
    'sys/class/net/br1/brif/eth0.5': '',
    'sys/class/net/eth0.5/lower_eth0': '',
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

test('An address of a bridge without a carrier is the host’s, and the network behind it is one of containers', () => {
  const { addresses, containers } = readHostNetworks(machine())
  expect(addresses).toContain('172.17.0.1')
  expect(addresses).toContain('2001:0db8:0000:0000:0000:0000:0000:0007')
  expect(containers).toEqual(['172.17.0.0/16', 'fd00:0000:0000:0000:0000:0000:0000:0001/64'])
})

test('A machine without these tables knows what Node.js tells', () => {
  const { addresses, containers } = readHostNetworks(emptyFolder())
  expect(addresses).toContain('127.0.0.1')
  expect(containers).toEqual([])
})

test.each([
  ['172.17.0.2', [], false],
  ['::ffff:172.17.0.2', [], false],
  ['fd00::5', [], false],
  ['172.17.0.1', [], false],
  ['172.18.0.2', [], true],
  ['192.168.7.5', [], true],
  ['172.17.0.2', ['host'], false],
  ['172.17.0.2', ['metadata'], false],
  ['172.17.0.1', ['host'], true],
  ['172.17.0.2', ['172.17.0.0/16:80'], true],
  ['172.17.0.2', ['172.17.0.3'], false],
])('Beside containers, %s with %j open: %s', (address, allow, may) => {
  expect(addressRules(allow, readHostNetworks(machine()))(address, 80)).toBe(may)
})

test('A network that an engine makes later is closed within seconds', () => {
  let containers: string[] = []
  let nowMs = 0
  const mayReach = currentRules(
    [],
    () => ({ addresses: [], containers }),
    () => nowMs,
  )
  expect(mayReach('172.20.0.2', 80)).toBe(true)
  containers = ['172.20.0.0/16']
  nowMs = 6000
  expect(mayReach('172.20.0.2', 80)).toBe(false)
})
