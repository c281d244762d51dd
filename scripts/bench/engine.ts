import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EngineApi } from '../../src/engine/api/engine-api.ts'
import { networkName } from '../../src/engine/sandbox/docker/egress-network.ts'
import type { Language } from './packages.ts'

/** The engine's own cost: creating and starting a container of the same image until the language runs, without Taibai. */

const boots: Record<Language, { image: string; command: string[] }> = {
  nodejs: { image: 'taibai/nodejs', command: ['node', '-e', 'console.log(1)'] },
  python3: { image: 'taibai/python3', command: ['python3', '-c', 'print(1)'] },
}

const engine = new EngineApi(process.env.DOCKER_HOST)

/**
 * The functions' network of the server with this data folder: a bridge on which containers do not reach each other. The engine
 * may have networks of other servers too, which go when those end.
 */
export function networkOf(dataDir: string): string {
  const { id } = JSON.parse(readFileSync(join(dataDir, 'instance.json'), 'utf8'))
  return networkName(id)
}

/** From the question to the first line that the language prints, in ms. On the engine's default network, or another; `parent`: its control group. */
export async function engineStart(language: Language, network = 'default', parent?: string): Promise<number> {
  const { image, command } = boots[language]
  const from = performance.now()
  const { Id } = await engine.ask<{ Id: string }>(
    'POST',
    '/containers/create',
    {},
    { Image: image, Cmd: command, AttachStdout: true, HostConfig: { NetworkMode: network, CgroupParent: parent } },
  )
  const output = await engine.stream('POST', `/containers/${Id}/attach`, { stream: '1', stdout: '1' })
  const line = once(output, 'data')
  await engine.ask('POST', `/containers/${Id}/start`)
  await line
  const tookMs = performance.now() - from
  await engine.ask('POST', `/containers/${Id}/wait`)
  await engine.ask('DELETE', `/containers/${Id}`, { force: '1' })
  return tookMs
}

/** Existing containers of the server with this data folder. */
export const containersOf = async (dataDir: string): Promise<number> => (await idsOf(dataDir)).length

/** Kills, pauses or unpauses at most `most` workers. One that is gone, or already in that state, is fine. */
export async function changeWorkers(dataDir: string, most: number, how: 'kill' | 'pause' | 'unpause'): Promise<void> {
  const ids = (await idsOf(dataDir)).slice(0, most)
  await Promise.all(ids.map((id) => engine.ask('POST', `/containers/${id}/${how}`).catch(() => {})))
}

async function idsOf(dataDir: string): Promise<string[]> {
  const all = await engine.ask<{ Id: string; Mounts: { Source: string }[] }[]>('GET', '/containers/json', { all: '1' })
  return all.filter(({ Mounts }) => Mounts.some(({ Source }) => Source.startsWith(`${dataDir}/`))).map(({ Id }) => Id)
}
