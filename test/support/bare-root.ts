import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runCommand } from '../../src/host/command.ts'

/**
 * A machine with nothing on it: a folder with the executable, a shell and mkfifo with the C libraries that they name, and
 * whatever a kernel brings (/proc, /dev). No Node.js, no certificates, no users, a home that cannot be written to, an empty
 * environment.
 */
export class BareRoot implements Disposable {
  readonly path: string
  /** The only folder that can be written to beside /tmp. It has the same name outside, as the engine needs it. */
  readonly work: string
  /** Instead of the engine's socket, when there is one. */
  readonly #socket: string | null
  readonly #parent: string

  constructor(executable: string, socket: string | null) {
    this.#parent = realpathSync(mkdtempSync(join(tmpdir(), 'taibai-bare-')))
    this.path = join(this.#parent, 'root')
    this.work = join(this.#parent, 'work')
    this.#socket = socket
    for (const folder of ['proc', 'dev', 'tmp', 'root', 'var/run', this.work])
      mkdirSync(join(this.path, folder), { recursive: true })
    mkdirSync(this.work)
    cpSync(executable, join(this.path, 'taibai'))
    const programs = ['/bin/sh', '/usr/bin/mkfifo']
    const libraries = [executable, ...programs].flatMap(librariesOf)
    for (const file of new Set([...programs, ...libraries])) this.#copy(file)
    if (socket !== null) writeFileSync(join(this.path, 'var/run/docker.sock'), '')
    chmodSync(join(this.path, 'root'), 0o500)
  }

  #copy(file: string): void {
    mkdirSync(join(this.path, dirname(file)), { recursive: true })
    cpSync(realpathSync(file), join(this.path, file))
  }

  /** Where it can be: as root, on Linux with the tools for it. */
  static get isPossible(): boolean {
    return process.getuid?.() === 0 && existsSync('/usr/bin/unshare') && existsSync('/usr/sbin/chroot')
  }

  /** Runs the executable in there, from its working folder; its mounts end with it and with what it starts. */
  run(args: string[], settings: Record<string, string> = {}): ReturnType<typeof runCommand> {
    const binds = [
      ['/proc', 'proc'],
      ['/dev', 'dev'],
      [this.work, this.work],
      ...(this.#socket === null ? [] : [[this.#socket, 'var/run/docker.sock']]),
    ].map(([from = '', to = '']) => `mount --rbind ${from} ${join(this.path, to)}`)
    const variables = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
    const script = [...binds, 'exec "$@"'].join(' && ')
    const inside = ['/usr/bin/env', '-i', ...variables, '/usr/sbin/chroot', this.path, '/taibai', ...args]
    return runCommand('unshare', ['--mount', '--', 'sh', '-c', script, 'sh', ...inside])
  }

  [Symbol.dispose](): void {
    rmSync(this.#parent, { recursive: true, force: true })
  }
}

/** Paths of the shared libraries, and of what loads them. */
function librariesOf(executable: string): string[] {
  const lines = execFileSync('ldd', [executable], { encoding: 'utf8' }).split('\n')
  return lines.map((line) => /(\/\S+) \(0x/.exec(line)?.[1]).filter((path) => path !== undefined)
}
