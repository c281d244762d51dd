import { expect, test } from 'vitest'
import type { DockerClient } from '../../src/engine/sandbox/docker/docker-client.ts'
import { PairNetworks, pairSubnet } from '../../src/engine/sandbox/docker/pair-networks.ts'

/** Notes what it is asked; subnets that are taken overlap. */
function fakeDocker(taken: string[] = []) {
  const asked: string[] = []
  const networks = {
    ensure: async ({ Name, IPAM }: { Name: string; IPAM: { Config: { Subnet: string }[] } }) => {
      const subnet = IPAM.Config[0]?.Subnet ?? ''
      if (taken.includes(subnet)) throw new Error('Pool overlaps with other one on this address space')
      asked.push(`make ${Name} ${subnet}`)
    },
    join: async (name: string, id: string) => void asked.push(`join ${name} ${id}`),
    leave: async (name: string, id: string) => void asked.push(`leave ${name} ${id}`),
    remove: async (name: string) => void asked.push(`remove ${name}`),
    labelled: async () => ['taibai-i-pair-1'],
  }
  const docker = { networks, containers: { address: async () => '198.18.0.2' } }
  return { docker: docker as unknown as DockerClient, asked }
}

test('the networks of two are small and lie in one block', () => {
  expect(pairSubnet(() => 0)).toBe('198.18.0.0/29')
  expect(pairSubnet(() => 2 ** 13 + 33)).toBe('198.19.1.8/29')
  expect(pairSubnet((below) => below - 1)).toBe('198.19.255.248/29')
})

test('another subnet is tried when one is taken, and the last refusal is reported', async () => {
  const places = ['198.18.0.0/29', '198.18.0.8/29']
  const { docker, asked } = fakeDocker(['198.18.0.0/29'])
  const pairs = new PairNetworks(docker, 'i', 'server', () => places.shift() ?? '198.18.0.0/29')
  expect(await pairs.take()).toEqual({ name: 'taibai-i-pair-1', serverAddress: '198.18.0.2' })
  expect(asked).toEqual(['make taibai-i-pair-1 198.18.0.8/29', 'join taibai-i-pair-1 server'])
  await expect(pairs.take()).rejects.toThrow(/overlap/)
})

test('one that a worker has left is used again, and all go with the server', async () => {
  const { docker, asked } = fakeDocker()
  const pairs = new PairNetworks(docker, 'i', 'server', () => '198.18.0.0/29')
  const first = await pairs.take()
  const second = await pairs.take()
  expect(second.name).toBe('taibai-i-pair-2')
  pairs.release(first)
  expect(await pairs.take()).toBe(first)
  asked.splice(0)
  await pairs.close()
  expect(asked.sort()).toEqual([
    ...['leave taibai-i-pair-1 server', 'leave taibai-i-pair-2 server'],
    ...['remove taibai-i-pair-1', 'remove taibai-i-pair-2'],
  ])
})

test('workers that are started at once have a network each', async () => {
  const { docker, asked } = fakeDocker()
  const pairs = new PairNetworks(docker, 'i', 'server', () => '198.18.0.0/29')
  const both = await Promise.all([pairs.take(), pairs.take()])
  expect(both.map(({ name }) => name)).toEqual(['taibai-i-pair-1', 'taibai-i-pair-2'])
  expect(asked.filter((what) => what.startsWith('make'))).toHaveLength(2)
})

test('one that the server cannot join is not left behind', async () => {
  const { docker, asked } = fakeDocker()
  docker.networks.join = async () => {
    throw new Error('the engine refuses')
  }
  await expect(new PairNetworks(docker, 'i', 'server').take()).rejects.toThrow('the engine refuses')
  expect(asked.at(-1)).toBe('remove taibai-i-pair-1')
})

test('those of an earlier run are removed', async () => {
  const { docker, asked } = fakeDocker()
  await new PairNetworks(docker, 'i', 'server').removeLeftovers()
  expect(asked).toEqual(['leave taibai-i-pair-1 server', 'remove taibai-i-pair-1'])
})
