import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll } from 'vitest'
import { readRuntimes } from '../../src/engine/worker/runtime-catalog.ts'
import { dockerSocket } from './docker-api.ts'
import { projectFolder } from './server-process.ts'

const execute = promisify(execFile)

/** The docker command line on the engine of the tests; what it printed. The classic builder needs no plug-in. */
export async function docker(...args: string[]): Promise<string> {
  const env = { ...process.env, DOCKER_HOST: `unix://${dockerSocket}`, DOCKER_BUILDKIT: '0' }
  return (await execute('docker', args, { env })).stdout.trim()
}

/** Builds images from test/docker/images for the tests of a block, under names of their own. */
export function builtImages<Name extends string>(...names: Name[]): (name: Name) => string {
  const tag = randomBytes(6).toString('hex')
  const imageOf = (name: Name) => `taibai-test-${name}:${tag}`
  beforeAll(async () => {
    for (const name of names) {
      const folder = join(projectFolder, 'test/docker/images', name)
      await docker('build', '--quiet', ...bases(), '--tag', imageOf(name), folder)
    }
  })
  afterAll(async () => {
    await docker('image', 'rm', '--force', ...names.map(imageOf))
  })
  return imageOf
}

export const runtimeImages = (): string[] => [
  ...new Set(readRuntimes(join(projectFolder, 'runtimes')).map(({ image }) => image)),
]

/** The images of the runtimes as arguments of a Dockerfile: NODEJS, PYTHON3. */
export const bases = (): string[] =>
  readRuntimes(join(projectFolder, 'runtimes')).flatMap(({ name, image }) => [
    '--build-arg',
    `${name.toUpperCase().replaceAll('-', '_')}=${image}`,
  ])
