import type { Cli } from '../command.ts'
import { usageError } from '../command.ts'

/** Questions to a person at a terminal. Without a terminal, the error names the option that answers. */

export async function askConfirmation(cli: Cli, question: string): Promise<boolean> {
  if (!cli.isInteractive) throw usageError(`${question} There is no terminal to ask at: pass --yes.`)
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({ message: question, initialValue: false })
  return !isCancel(answer) && answer
}

/** One of the options; undefined: cancelled. */
export async function askChoice<T extends string>(
  message: string,
  options: { value: T; label: string; hint?: string }[],
): Promise<T | undefined> {
  const { select, isCancel } = await import('@clack/prompts')
  const answer = await select<string>({ message, options })
  return isCancel(answer) ? undefined : (answer as T)
}

export async function askText(message: string, initialValue: string): Promise<string | undefined> {
  const { text, isCancel } = await import('@clack/prompts')
  const answer = await text({ message, initialValue })
  return isCancel(answer) ? undefined : answer
}

/** The text is not shown while it is typed. */
export async function askHidden(message: string): Promise<string | undefined> {
  const { password, isCancel } = await import('@clack/prompts')
  const answer = await password({ message })
  return isCancel(answer) ? undefined : answer
}
