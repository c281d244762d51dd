import type { CommandSpec } from './command.ts'

type Load = () => Promise<{ commands: CommandSpec[] }>

/** Loaders of the commands by their first word, under the headings of the help and in its order. */
export const commandGroups: Record<string, Record<string, Load>> = {
  Server: {
    up: () => import('./up.ts'),
    down: () => import('./down.ts'),
    serve: () => import('./serve.ts'),
    service: () => import('./service.ts'),
    status: () => import('./status.ts'),
    doctor: () => import('./doctor.ts'),
    settings: () => import('./settings.ts'),
    runtimes: () => import('./runtimes.ts'),
    images: () => import('./images.ts'),
    backup: () => import('./backup.ts'),
    backups: () => import('./backup.ts'),
    restore: () => import('./backup.ts'),
  },
  Functions: {
    init: () => import('./init.ts'),
    dev: () => import('./dev/dev.ts'),
    deploy: () => import('./deploy.ts'),
    builds: () => import('./builds.ts'),
    invoke: () => import('./invoke.ts'),
    logs: () => import('./logs.ts'),
    list: () => import('./functions.ts'),
    show: () => import('./functions.ts'),
    update: () => import('./functions.ts'),
    delete: () => import('./functions.ts'),
    download: () => import('./functions.ts'),
    env: () => import('./env.ts'),
    secret: () => import('./secret.ts'),
    versions: () => import('./versions.ts'),
    aliases: () => import('./versions.ts'),
    rollback: () => import('./versions.ts'),
    export: () => import('./export.ts'),
    import: () => import('./export.ts'),
  },
  Triggers: {
    jobs: () => import('./jobs.ts'),
    webhooks: () => import('./webhooks.ts'),
    sources: () => import('./sources.ts'),
  },
  Runs: {
    executions: () => import('./executions.ts'),
    explain: () => import('./executions.ts'),
    cancel: () => import('./executions.ts'),
    'dead-letters': () => import('./dead-letters.ts'),
  },
  Figures: {
    stats: () => import('./stats.ts'),
    usage: () => import('./usage.ts'),
    top: () => import('./top.ts'),
    workers: () => import('./workers.ts'),
    simulate: () => import('./simulate.ts'),
  },
  Access: {
    whoami: () => import('./token.ts'),
    token: () => import('./token.ts'),
    'access-key': () => import('./access-key.ts'),
    limits: () => import('./limits.ts'),
    projects: () => import('./limits.ts'),
    audit: () => import('./audit.ts'),
    registry: () => import('./registry.ts'),
  },
  'This program': {
    context: () => import('./context.ts'),
    openapi: () => import('./openapi.ts'),
    completion: () => import('./completion.ts'),
  },
}

/** A file is loaded when one of its words is used. */
export const commandFiles: Record<string, Load> = Object.assign({}, ...Object.values(commandGroups))

/** The heading under which the help shows a command. */
export function headingOf(word: string): string {
  const [heading = ''] = Object.entries(commandGroups).find(([, files]) => word in files) ?? []
  return heading
}

/** The commands that begin with this word. */
export async function commandsOf(word: string): Promise<CommandSpec[]> {
  const file = await commandFiles[word]?.()
  return (file?.commands ?? []).filter(({ name }) => name.split(' ')[0] === word)
}

export async function allCommands(): Promise<CommandSpec[]> {
  return (await Promise.all(Object.keys(commandFiles).map(commandsOf))).flat()
}
