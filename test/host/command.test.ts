import { describe, expect, it } from 'vitest'
import { lastLines, runCommand, runOrThrow } from '../../src/host/command.ts'
import { SetupProblem } from '../../src/host/problem.ts'

const node = process.execPath

describe('Running another program', () => {
  it('gives back its exit code and what it printed', async () => {
    const script = 'console.log("out"); console.error("err"); process.exitCode = 3'
    const result = await runCommand(node, ['-e', script])
    expect(result).toMatchObject({ code: 3, stdout: 'out\n' })
    expect(result.output).toContain('err')
  })

  it('gives it input, and an end of input when there is none', async () => {
    const echo = ['-e', 'process.stdin.pipe(process.stdout)']
    expect((await runCommand(node, echo, { input: 'hello' })).stdout).toBe('hello')
    expect((await runCommand(node, echo)).stdout).toBe('')
  })

  it('reports a program that does not exist and one that takes too long', async () => {
    expect((await runCommand('/no/such/program', [])).code).toBe(127)
    expect((await runCommand(node, ['-e', 'setInterval(() => {}, 1000)'], { timeoutMs: 100 })).code).toBe(124)
  })

  it('turns a failure that matters into a sentence with the end of the output', async () => {
    const failing = runOrThrow('Making tea', node, ['-e', 'console.error("no water"); process.exit(2)'])
    await expect(failing).rejects.toThrow(SetupProblem)
    await expect(failing).rejects.toThrow(/^Making tea failed \(.*exit code 2\)\.\nno water$/)
  })

  it('keeps the last lines', () => {
    expect(lastLines('a\nb\nc\n', 2)).toBe('b\nc')
  })
})
