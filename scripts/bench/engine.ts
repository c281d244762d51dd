import Docker from 'dockerode'
import type { Language } from './packages.ts'

/** What the engine itself takes: a container of the same image, made, started, and its language up. Nothing of Taibai. */

const boots: Record<Language, { image: string; command: string[] }> = {
  nodejs: { image: 'taibai/nodejs', command: ['node', '-e', 'console.log(1)'] },
  python3: { image: 'taibai/python3', command: ['python3', '-c', 'print(1)'] },
}

const docker = new Docker()

/** The network of functions, which the server makes: a bridge of its own, where containers do not reach each other. */
export const ownNetwork = 'taibai-egress'

/** From the question to the first line that the language prints, in ms. On the engine's default network, or another. */
export async function engineStart(language: Language, network = 'default'): Promise<number> {
  const { image, command } = boots[language]
  const from = performance.now()
  const container = await docker.createContainer({
    Image: image,
    Cmd: command,
    AttachStdout: true,
    HostConfig: { NetworkMode: network },
  })
  const output = await container.attach({ stream: true, stdout: true })
  const line = new Promise<void>((resolve) => output.once('data', () => resolve()))
  await container.start()
  await line
  const tookMs = performance.now() - from
  await container.wait()
  await container.remove({ force: true })
  return tookMs
}

/** Containers of the server with this data folder that exist, and of nobody else. */
export async function containersOf(dataDir: string): Promise<number> {
  const all = await docker.listContainers({ all: true })
  return all.filter(({ Mounts }) => Mounts.some(({ Source }) => Source.startsWith(`${dataDir}/`))).length
}
