import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'

export const endSignals = ['SIGINT', 'SIGTERM'] as const

/**
 * Runs a program in a process group of its own, which no Ctrl-C reaches; its exit code. The first signal to end calls `askToEnd`;
 * with the second one the program and all that it started are killed.
 */
export async function runInGroup(
  program: string,
  args: string[],
  options: SpawnOptions,
  askToEnd: () => void,
): Promise<number> {
  let child: ChildProcess | undefined
  let asked = 0
  const onSignal = () => {
    if (asked++ === 0) askToEnd()
    else if (child?.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }
  // Before the program is there, so that no signal can end this process and leave it.
  for (const signal of endSignals) process.on(signal, onSignal)
  try {
    const started = spawn(program, args, { ...options, detached: true })
    child = started
    return await new Promise((resolve, reject) => {
      started.once('error', reject).once('exit', (code) => resolve(code ?? 1))
    })
  } finally {
    for (const signal of endSignals) process.off(signal, onSignal)
  }
}
