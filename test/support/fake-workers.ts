import type { Clock } from '../../src/domain/clock.ts'
import { FaasError } from '../../src/domain/errors.ts'
import type { Call, Revision } from '../../src/domain/platform/worker.ts'
import { cancelledOutcome, type Outcome, platformFailure } from '../../src/domain/runs/outcome.ts'
import type { BindResult, PoolWorker, Shape, WorkerFactory } from '../../src/engine/pool/pool-worker.ts'
import type { Exit } from '../../src/engine/sandbox/sandbox.ts'
import { killed, timedOut } from '../../src/engine/worker/outcomes.ts'

/** What a call does, unless a test says otherwise: it returns its input. */
export type FakeBehaviour = (call: Call, worker: FakeWorker) => Outcome | Promise<Outcome>

/** What is wrong with the code of a revision: null when it can be loaded. */
export type FakeLoading = (revision: Revision) => Outcome | null | Promise<Outcome | null>

const usage = { runMs: 1, cpuMs: 1, memoryPeakMb: 20 }
const echo: FakeBehaviour = (call) => ({ kind: 'returned', value: { kind: 'json', body: call.input.body }, ...usage })

const brokenCode: Outcome = {
  kind: 'raised',
  error: { type: 'SyntaxError', message: 'broken', stack: null },
  runMs: 1,
  cpuMs: null,
  memoryPeakMb: null,
}

interface Command {
  bytes: number
  end(outcome: Outcome): void
}

/** Workers without containers: times, failures and deaths as the test says, and a note of whatever the pool must not do. */
export class FakeWorkers implements WorkerFactory {
  readonly clock: Clock
  /** All that were ever made, in order. */
  readonly all: FakeWorker[] = []
  /** What no pool may do; empty at the end of every test. */
  readonly violations: string[] = []
  startMs = 100
  bindMs = 10
  /** From being told to end, or dying, to being gone. */
  killMs = 20
  pauseMs = 0
  resumeMs = 0
  /** Number of further starts that fail. */
  failingStarts = 0
  /** Machines on which no worker starts. */
  readonly brokenMachines = new Set<string>()
  /** Number of further binds that fail for the platform. */
  failingBinds = 0
  /** Number of further pauses, or resumes, that fail. */
  failingPauses = 0
  failingResumes = 0
  /** Functions whose code cannot be loaded. */
  readonly broken = new Set<string>()
  /** Number of further workers that say hello and end at once. */
  stillborn = 0
  /** Number of further workers that load their code and end at once. */
  endingOnceBound = 0
  behaviour: FakeBehaviour = echo
  loading: FakeLoading = (revision) => (this.broken.has(revision.functionId) ? brokenCode : null)
  /** Images that cannot be had. */
  readonly missingImages = new Set<string>()
  /** Starts that were asked for, failed ones included. */
  asked = 0
  starting = 0
  mostStarting = 0
  /** Images that the engine was starting at once. */
  mostInEngine = 0
  #inEngine = 0
  /** Until an image is given up that does not listen. */
  readonly muteMs = 60_000
  /** Memory of the starts under way. */
  startingBytes = 0
  readonly commands = new Set<Command>()
  /** Calls sent to a paused worker: they would wait until it is resumed. */
  callsWhilePaused = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  startGeneric(shape: Shape, machine?: string): Promise<FakeWorker> {
    return this.#start(shape.memoryBytes, shape.image, null, machine)
  }

  /** The engine needs half of the time; the image, until it listens, the other half. The image `mute` never listens. */
  async startImage(revision: Revision, onRunning?: () => void, machine?: string): Promise<FakeWorker> {
    this.clock.after(this.startMs / 2, () => {
      this.#inEngine--
      onRunning?.()
    })
    this.mostInEngine = Math.max(this.mostInEngine, ++this.#inEngine)
    return this.#start(revision.memoryBytes, revision.image, revision, machine)
  }

  runCommand(revision: Revision, _call: Call, stop: AbortSignal, onRunning?: () => void): Promise<Outcome> {
    onRunning?.()
    return new Promise((resolve) => {
      const command: Command = {
        bytes: revision.memoryBytes,
        end: (outcome) => {
          if (this.commands.delete(command)) resolve(outcome)
        },
      }
      this.commands.add(command)
      if (stop.aborted) command.end(platformFailure('stopped', 1))
      stop.addEventListener('abort', () => command.end(platformFailure('stopped', 1)), { once: true })
    })
  }

  /** Ends the oldest command under way: it returned. */
  endCommand(): void {
    const [oldest] = this.commands
    oldest?.end({ kind: 'returned', value: { kind: 'json', body: Buffer.from('null') }, ...usage })
  }

  /** Those that are there. */
  get alive(): FakeWorker[] {
    return this.all.filter((worker) => worker.state !== 'gone')
  }

  named(name: string): FakeWorker {
    const worker = this.all.find((candidate) => candidate.name === name)
    if (worker === undefined) throw new Error(`there is no worker ${name}`)
    return worker
  }

  /** Bound to this function and not ending. */
  of(functionId: string): FakeWorker[] {
    return this.all.filter((worker) => worker.revision?.functionId === functionId && !worker.isEnding)
  }

  /** Memory of workers that were not told to end, of starts and of commands. */
  get heldBytes(): number {
    const workers = this.all.filter((worker) => worker.state !== 'gone' && !worker.toldToEnd)
    const sum = (bytes: number[]) => bytes.reduce((total, each) => total + each, 0)
    return (
      sum(workers.map((worker) => worker.memoryBytes)) +
      this.startingBytes +
      sum([...this.commands].map(({ bytes }) => bytes))
    )
  }

  async #start(
    memoryBytes: number,
    image: string,
    revision: Revision | null,
    machine: string | undefined,
  ): Promise<FakeWorker> {
    this.asked++
    this.starting++
    this.mostStarting = Math.max(this.mostStarting, this.starting)
    this.startingBytes += memoryBytes
    await this.wait(image === 'mute' ? this.muteMs : this.startMs)
    this.starting--
    this.startingBytes -= memoryBytes
    if (image === 'mute') throw new FaasError('engine_failed', 'The image mute did not listen.')
    if (this.missingImages.has(image)) throw new FaasError('engine_failed', `The image ${image} is not here.`)
    if (this.brokenMachines.has(machine ?? '')) throw new FaasError('engine_failed', `${machine} is broken`)
    if (this.takeOne('failingStarts')) throw new FaasError('engine_failed', 'the engine refuses')
    const worker = new FakeWorker(this, `w${this.all.length + 1}`, memoryBytes, image, revision)
    worker.machine = machine
    this.all.push(worker)
    if (revision === null && this.takeOne('stillborn')) worker.die()
    return worker
  }

  takeOne(
    which: 'failingStarts' | 'failingBinds' | 'failingPauses' | 'failingResumes' | 'stillborn' | 'endingOnceBound',
  ): boolean {
    if (this[which] === 0) return false
    this[which]--
    return true
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve))
  }
}

export class FakeWorker implements PoolWorker {
  readonly name: string
  machine: string | undefined
  readonly image: string
  readonly gone: Promise<void>
  memoryBytes: number
  revision: Revision | null
  state: 'alive' | 'ending' | 'gone' = 'alive'
  toldToEnd = false
  isPaused = false
  /** Processor time that its processes have used; null: it cannot be told. */
  cpuUsedMs: number | null = null
  /** Received calls, and running ones. */
  calls = 0
  inFlight = 0
  #factory: FakeWorkers
  #isBinding = false
  /** It missed a deadline: it goes when its other calls have ended. */
  #isDoomed = false
  #exit: Exit = { code: 1, memoryExceeded: false }
  #resumed = Promise.resolve()
  #resume: () => void = () => {}
  #resolveGone: () => void = () => {}
  #endCalls = new Set<(outcome: Outcome) => void>()

  constructor(factory: FakeWorkers, name: string, memoryBytes: number, image: string, revision: Revision | null) {
    this.#factory = factory
    this.name = name
    this.image = image
    this.memoryBytes = memoryBytes
    this.revision = revision
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve
    })
  }

  get isEnding(): boolean {
    return this.state !== 'alive' || this.#isDoomed
  }

  async bind(revision: Revision): Promise<BindResult> {
    if (this.revision !== null || this.#isBinding) this.#factory.violations.push(`${this.name} was bound twice`)
    if (this.isEnding) throw new FaasError('engine_failed', `Worker ${this.name} ended before it was bound.`)
    this.#isBinding = true
    this.memoryBytes = revision.memoryBytes
    await this.#factory.wait(this.#factory.bindMs)
    if (this.#factory.takeOne('failingBinds')) throw new FaasError('engine_failed', 'the engine refuses')
    const loadMs = this.#factory.bindMs
    if (this.isEnding) return this.#notLoaded(killed({ code: 1, memoryExceeded: false }, this.memoryBytes, loadMs))
    const problem = await this.#factory.loading(revision)
    if (problem !== null) return this.#notLoaded(problem)
    this.revision = revision
    if (this.#factory.takeOne('endingOnceBound')) this.die()
    return { loaded: true, loadMs }
  }

  call(call: Call, timeoutMs: number): Promise<Outcome> {
    if (this.isEnding) return Promise.resolve(this.#lost())
    this.calls++
    if (this.isPaused) this.#factory.callsWhilePaused++
    if (++this.inFlight > (this.revision?.concurrency ?? 0)) {
      this.#factory.violations.push(`${this.name} has ${this.inFlight} calls at once`)
    }
    return new Promise((resolve) => {
      const end = (outcome: Outcome) => {
        if (!this.#endCalls.delete(end)) return
        stopTimer()
        this.inFlight--
        resolve(outcome)
        if (this.#isDoomed && this.inFlight === 0) void this.kill()
      }
      this.#endCalls.add(end)
      const stopTimer = this.#factory.clock.after(timeoutMs, () => {
        this.#isDoomed = true
        end(timedOut(timeoutMs, timeoutMs))
      })
      void this.#resumed.then(() => this.#factory.behaviour(call, this)).then(end)
    })
  }

  /** Those of its calls end at once: fakes have no executions. */
  cancel(): void {
    for (const end of [...this.#endCalls]) end(cancelledOutcome(1, true))
  }

  async cpuMs(): Promise<number | null> {
    return this.cpuUsedMs
  }

  async memoryUsedBytes(): Promise<number | null> {
    return this.isEnding ? null : 1000
  }

  async pause(): Promise<void> {
    if (this.isPaused) return
    if (this.#factory.pauseMs > 0) await this.#factory.wait(this.#factory.pauseMs)
    if (this.#factory.takeOne('failingPauses')) throw new FaasError('engine_failed', 'the engine refuses')
    this.isPaused = true
    this.#resumed = new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  async resume(): Promise<void> {
    if (this.#factory.resumeMs > 0) await this.#factory.wait(this.#factory.resumeMs)
    if (this.#factory.takeOne('failingResumes')) throw new FaasError('engine_failed', 'the engine refuses')
    this.isPaused = false
    this.#resume()
  }

  async kill(): Promise<void> {
    this.toldToEnd = true
    this.#end(platformFailure('The worker was stopped while it ran the function.', 1))
    await this.gone
  }

  /** Ends by itself, with all processes in it. */
  die(exit: Exit = { code: 1, memoryExceeded: false }): void {
    this.#exit = exit
    this.#end(this.#lost())
  }

  #end(ofCalls: Outcome): void {
    for (const end of [...this.#endCalls]) end(ofCalls)
    if (this.state !== 'alive') return
    this.state = 'ending'
    void this.#factory.wait(this.#factory.killMs).then(() => {
      this.state = 'gone'
      this.#resolveGone()
    })
  }

  #notLoaded(outcome: Outcome): BindResult {
    void this.kill()
    return { loaded: false, loadMs: this.#factory.bindMs, outcome, log: 'loading\n' }
  }

  #lost(): Outcome {
    if (this.toldToEnd) return platformFailure('The worker was stopped while it ran the function.', 1)
    return killed(this.#exit, this.memoryBytes, 1)
  }
}
