import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { projectFolder } from '../../src/assets.ts'
import { SecondEngine } from './second-engine.ts'
import { waitUntil } from './taibai.ts'

const program = join(projectFolder, 'src/main.ts')
const execute = promisify(execFile)
const ip = (...args: string[]) => execute('ip', args)

/** A swarm of two nodes on this machine: each an engine with a network of its own behind a cable. The first is the manager. */
export class Swarm implements AsyncDisposable {
  readonly manager: SecondEngine
  readonly other: SecondEngine
  /** Address of this machine that stays when a node's cable does not. */
  readonly ourAddress = `10.99.${randomInt(256)}.${randomInt(1, 255)}`

  private constructor(manager: SecondEngine, other: SecondEngine) {
    this.manager = manager
    this.other = other
  }

  /** A lost node is noticed after three of its heartbeats of a second. */
  static start(...images: string[]): Promise<Swarm> {
    return Swarm.startIn([undefined, undefined], ...images)
  }

  /** `cgroupParents`: of the containers of each node. */
  static async startIn(cgroupParents: (string | undefined)[], ...images: string[]): Promise<Swarm> {
    const start = (at: number) => SecondEngine.start({}, cgroupParents[at])
    const [manager, other] = await Promise.all([start(0), start(1)])
    const swarm = new Swarm(manager, other)
    try {
      await swarm.#forward('-I')
      await ip('addr', 'add', `${swarm.ourAddress}/32`, 'dev', 'lo')
      const address = ['--advertise-addr', manager.itsAddress]
      await manager.docker('swarm', 'init', ...address, '--dispatcher-heartbeat', '1s')
      const token = await manager.docker('swarm', 'join-token', '-q', 'worker')
      await other.docker('swarm', 'join', '--token', token, `${manager.itsAddress}:2377`)
      await manager.bring(...images)
      await swarm.#push(images)
      return swarm
    } catch (error) {
      await swarm[Symbol.asyncDispose]()
      throw error
    }
  }

  /** As an operator brings images to the nodes. */
  async #push(images: string[]): Promise<void> {
    const push = [program, 'images', 'push', '--images', images.join(), this.other.tcp]
    await execute(process.execPath, push, { env: { ...process.env, DOCKER_HOST: `unix://${this.manager.socket}` } })
  }

  /** Host name of a node, as the swarm calls it. */
  nodeOf(engine: SecondEngine): Promise<string> {
    return engine.docker('info', '--format', '{{.Name}}')
  }

  /** The manager's machine starts anew: what ran there ended, and its node is one of the swarm again. */
  async managerIsBack(): Promise<void> {
    await this.manager.begin()
    const isUp = async () => /Leader/.test(await this.manager.docker('node', 'ls').catch(() => ''))
    await waitUntil('the manager manages', isUp, 120)
  }

  /** Pulls the cable of the second node; the returned function plugs it in again. */
  async cut(): Promise<() => Promise<void>> {
    await ip('link', 'set', this.other.cable, 'down')
    return async () => {
      await ip('link', 'set', this.other.cable, 'up')
      await waitUntil('the node is back', async () => !/Down/.test(await this.manager.docker('node', 'ls')), 60)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#forward('-D').catch(() => {})
    await ip('addr', 'del', `${this.ourAddress}/32`, 'dev', 'lo').catch(() => {})
    await Promise.all([this.other[Symbol.asyncDispose](), this.manager[Symbol.asyncDispose]()])
  }

  /** What the two say to each other goes through this machine, whose engine forwards nothing that it does not know. */
  async #forward(order: '-I' | '-D'): Promise<void> {
    const [one, two] = [this.manager.cable, this.other.cable]
    for (const [from, to] of [
      [one, two],
      [two, one],
    ])
      await execute('iptables', [order, 'FORWARD', '-i', String(from), '-o', String(to), '-j', 'ACCEPT'])
  }
}
