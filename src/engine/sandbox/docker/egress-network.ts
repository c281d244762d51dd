import { readdirSync, readFileSync } from 'node:fs'
import type { DockerClient } from './docker-client.ts'

/**
 * The network of functions that may reach out: a bridge of its own where containers do not reach each other. Its MTU is no
 * larger than the host's: larger packets would vanish on hosts whose uplink has 1400.
 */
export async function ensureEgressNetwork(docker: DockerClient, instance: string): Promise<string> {
  const name = 'taibai-egress'
  await docker.ensureNetwork({
    Name: name,
    Driver: 'bridge',
    Labels: { 'io.taibai.network': instance },
    Options: {
      'com.docker.network.bridge.enable_icc': 'false',
      'com.docker.network.driver.mtu': String(hostMtu()),
    },
  })
  return name
}

/** The least MTU of the host's real interfaces that are up, at most 1500; 1500 when it cannot be read. */
function hostMtu(): number {
  try {
    const names = readdirSync('/sys/class/net').filter((name) => isUplink(name))
    return Math.min(1500, ...names.map((name) => Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8'))))
  } catch {
    return 1500
  }
}

function isUplink(name: string): boolean {
  if (/^(lo|docker|br-|veth|virbr|taibai)/.test(name)) return false
  return readFileSync(`/sys/class/net/${name}/operstate`, 'utf8').trim() !== 'down'
}
