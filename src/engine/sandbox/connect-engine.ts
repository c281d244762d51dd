import type { Log } from '../../domain/runs/log.ts'
import { connectDocker } from './docker/docker-client.ts'
import type { DockerEngineOptions } from './docker/docker-connection.ts'
import { DockerEngine } from './docker/docker-engine.ts'
import { EngineBuilder } from './docker/engine-builder.ts'
import { ProcessEngine, type ProcessEngineOptions } from './process/process-engine.ts'
import type { SandboxEngine } from './sandbox.ts'
import { SwarmEngine } from './swarm/swarm-engine.ts'
import type { SwarmEngineOptions } from './swarm/swarm-options.ts'

export interface EngineOptions extends DockerEngineOptions, ProcessEngineOptions, SwarmEngineOptions {
  engine: 'docker' | 'process' | 'swarm'
  workersDir: string
}

/** The only place that lists the engines. Throws FaasError `engine_failed` when the engine does not answer. */
export async function connectEngine(options: EngineOptions, log: Log): Promise<SandboxEngine> {
  if (options.engine === 'docker') return DockerEngine.connect(options, log)
  if (options.engine === 'swarm') {
    const builder = options.build === undefined ? null : new EngineBuilder(options, log)
    return SwarmEngine.connect({ ...options, pull: (image) => pullTo(options, image) }, log, builder)
  }
  log.warn({}, 'THE PROCESS ENGINE ISOLATES NOTHING: functions run as this user on this machine. For development only.')
  return new ProcessEngine(options)
}

/** Fetches an image to the engine of a swarm's manager. */
async function pullTo({ host, credentials, onPulled }: EngineOptions, image: string): Promise<void> {
  const docker = await connectDocker(host)
  try {
    await docker.images.pull(image, credentials?.(image) ?? null)
    onPulled?.(image)
  } finally {
    docker.close()
  }
}
