import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { Build, BuildMode, BuildStore } from '../../domain/functions/build.ts'
import type { Log } from '../../domain/runs/log.ts'
import { BuildLog } from './build-log.ts'
import { serverStopping } from './build-queue.ts'
import { buildRefusal, withLastLines } from './build-refusal.ts'
import { Superseded } from './deployment-order.ts'
import type { PackageQuota } from './package-quota.ts'

export interface BuildRules {
  /** Default for requests without `build`. */
  build: 'auto' | 'never'
  /** Concurrent builds of all projects. */
  maxBuilds: number
  /** Unfinished builds of one project, including waiting ones. */
  maxOpenBuilds: number
  /** Finished builds that are kept of one project. */
  keepBuilds: number
  maxBuildLogBytes: number
  /** Bytes of all build logs of one project. */
  maxBuildLogsBytes: number
}

/** How a deployment wants its package to be built. */
export interface DeploymentBuildOptions {
  /** Null: the operator's default. */
  mode: BuildMode | null
  bundle: boolean
  /** Called when a build is necessary, before any output. */
  onBegun?: (build: Build) => void
  /** Called with output as it arrives. */
  onOutput?: (text: string) => void
}

/** One deployment; a build that it needs ends with it. */
export interface Deployment extends DeploymentBuildOptions {
  running?: RunningBuild
}

/** A build for a follower. */
export interface FollowedBuild {
  /** Output so far. */
  text: string
  /** Subscribes to later output and the end; undefined: it has ended. Returns how to stop. */
  follow?: (onText: (text: string) => void, onEnd: () => void) => () => void
}

/** A build that has not ended. */
export interface RunningBuild {
  build: Build
  log: BuildLog
  stop: AbortController
  cached: boolean
  sizeBytes: number | null
  /** Resolves when the build has ended and its record is final. */
  ended: PromiseWithResolvers<void>
}

export interface RunningBuildsParts {
  store: Pick<BuildStore, 'insert' | 'end' | 'prune'>
  share: Pick<PackageQuota, 'makeRoom'>
  clock: Clock
  log: Log
  rules: BuildRules
}

/** The builds that have not ended: their output, their records, and the error of one that fails. */
export class RunningBuilds {
  #parts: RunningBuildsParts
  #running = new Map<string, RunningBuild>()

  constructor(parts: RunningBuildsParts) {
    this.#parts = parts
  }

  /** Throws FaasError `queue_full`. `secretsOf`: what its log leaves out. */
  begin(
    projectId: string,
    newBuild: () => Build,
    secretsOf: () => Record<string, string>,
    deployment: Deployment,
  ): RunningBuild {
    const { store, rules } = this.#parts
    this.#refuseMore(projectId)
    const log = new BuildLog(rules.maxBuildLogBytes, Object.values(secretsOf()))
    if (deployment.onOutput !== undefined) log.tell(deployment.onOutput)
    const running: RunningBuild = {
      ...{ build: newBuild(), log, stop: new AbortController() },
      ...{ cached: false, sizeBytes: null, ended: Promise.withResolvers<void>() },
    }
    store.insert(running.build)
    this.#running.set(running.build.id, running)
    deployment.running = running
    deployment.onBegun?.(running.build)
    return running
  }

  /** The output so far, and how to follow the rest; undefined: the build does not run. */
  follow(id: string): FollowedBuild | undefined {
    const running = this.#running.get(id)
    if (running === undefined) return undefined
    const follow = (onText: (text: string) => void, onEnd: () => void) => {
      void running.ended.promise.then(onEnd)
      return running.log.tell(onText)
    }
    return { text: running.log.text, follow }
  }

  /** Ends the build of a deployment that failed. Returns the error for the caller. */
  fail(running: RunningBuild | undefined, error: unknown): unknown {
    running?.log.end()
    if (running === undefined) return error
    const code = error instanceof FaasError ? error.code : null
    const why = error instanceof FaasError ? error.message : 'the server is at fault; its log has the reason.'
    const recorded = code === 'build_failed' ? withLastLines(why, running.log.text) : why
    if (code === 'shutting_down') this.end(running, { status: 'interrupted', error: interruptedText('stopped') })
    else this.end(running, { status: error instanceof Superseded ? 'superseded' : 'failed', error: recorded })
    return code === 'build_failed' ? buildRefusal(why, running.log.text, running.build.id) : error
  }

  /** Never throws: a deployment stands even if its build record cannot be written. */
  end(running: RunningBuild | undefined, end: Pick<Build, 'status'> & { error?: string }): void {
    if (running === undefined) return
    const { store, clock, rules, log, share } = this.#parts
    const { build, cached, sizeBytes } = running
    running.log.end()
    try {
      store.end({ ...build, cached, sizeBytes, ...end, endedAt: clock.now() }, running.log.text)
      store.prune(rules.keepBuilds, rules.maxBuildLogsBytes)
    } catch (err) {
      log.error({ build: build.id, err }, 'the end of a build could not be recorded')
    }
    this.#running.delete(build.id)
    running.ended.resolve()
    share
      .makeRoom(build.projectId)
      .catch((err: unknown) => log.error({ err }, 'what builds have installed could not be looked through'))
  }

  /** Aborts the build, and resolves when it has ended or does not end soon. A build that has ended stays as it is. */
  async cancel(id: string): Promise<void> {
    const running = this.#running.get(id)
    if (running === undefined) return
    running.stop.abort(new FaasError('build_failed', 'it was cancelled.'))
    await Promise.race([running.ended.promise, pause(cancelWaitMs, undefined, { ref: false })])
  }

  /** Aborts them, and resolves when all have ended. */
  async close(): Promise<void> {
    for (const { stop } of this.#running.values()) stop.abort(serverStopping())
    await Promise.all([...this.#running.values()].map(({ ended }) => ended.promise))
  }

  #refuseMore(projectId: string): void {
    const { maxOpenBuilds } = this.#parts.rules
    const open = [...this.#running.values()].filter(({ build }) => build.projectId === projectId).length
    if (open < maxOpenBuilds) return
    throw new FaasError(
      'queue_full',
      `${open} builds of this project have not ended (TAIBAI_MAX_OPEN_BUILDS): wait for one of them, and deploy again.`,
    )
  }
}

/** Longest time that a caller waits for a cancelled build to end. */
const cancelWaitMs = 5000

export const interruptedText = (how: 'stopped' | 'ended'): string =>
  `The server ${how} before it had ended, and nothing was changed: deploy again, or repeat the build (taibai builds rebuild).`
