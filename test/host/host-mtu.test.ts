import { describe, expect, it } from 'vitest'
import { chooseMtu, defaultInterface } from '../../src/host/host-mtu.ts'

const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n'
const route = (name: string, metric = 0) => `${name}\t00000000\t0101A8C0\t0003\t0\t0\t${metric}\t00000000\t0\t0\t0\n`
const local = 'docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n'
const up = (name: string, mtu: number) => ({ name, mtu, isUp: true })

describe("The engine's MTU", () => {
  it.each([
    ['is that of the default route', head + route('eth0'), [up('eth0', 1400), up('wg0', 1280)], 1400],
    ['never exceeds 1500', head + route('eth0'), [up('eth0', 9001)], 1500],
    ['is the smallest one without a default route', head + local, [up('eth0', 1450), up('eth1', 1400)], 1400],
    ['does not look at loopback', head, [up('lo', 1000), up('eth0', 1450)], 1450],
    ['does not look at what is down', head, [{ name: 'eth1', mtu: 900, isUp: false }, up('eth0', 1450)], 1450],
    ['is 1500 on a host without any network', head, [up('lo', 65536)], 1500],
  ])('%s', (_title, routes, interfaces, expected) => {
    expect(chooseMtu(routes, interfaces)).toBe(expected)
  })

  it('follows the default route with the lowest metric', () => {
    expect(defaultInterface(head + local + route('wlan0', 600) + route('eth0', 100))).toBe('eth0')
  })
})
