import { readFileSync, writeFileSync } from 'node:fs'
import type { Client } from '../client/client.ts'
import type { AliasRow } from '../client/resources/aliases.ts'
import { type Bundle, exportProject, fieldsOfBundle, packageName, readBundle, writeBundle } from './bundle.ts'
import { argumentAt, type CommandSpec } from './command.ts'
import type { Step } from './manifest/difference.ts'
import { functionSteps } from './manifest/function-steps.ts'
import { askConfirmation } from './terminal/prompts.ts'

export const commands: CommandSpec[] = [
  {
    name: 'export',
    summary: 'write the project to one file: functions, code, versions, aliases, jobs and webhooks',
    arguments: [['<file>', 'output file; "-" is standard output']],
    examples: ['taibai export shop.taibai', 'taibai export - > shop.taibai'],
    async run(cli, args) {
      const { bundle, packages } = await exportProject(cli.client())
      const bytes = writeBundle(bundle, packages)
      if (args[0] === '-') return cli.out.raw(bytes)
      writeFileSync(argumentAt(args, 0), bytes, { mode: 0o600 })
      const counts = {
        functions: bundle.functions.length,
        aliases: bundle.aliases.length,
        jobs: bundle.jobs.length,
        webhooks: bundle.webhooks.length,
      }
      cli.out.value({ file: args[0], ...counts }, () => {
        cli.out.line(`${args[0]} has ${countsText(counts)}. It holds environment variables in clear: keep it safe.`)
      })
    },
  },
  {
    name: 'import',
    summary: 'import an exported project into the server; shows the differences first',
    arguments: [['<file>', 'made by "taibai export"; "-" is standard input']],
    options: [
      ['--dry-run', 'only show what would change'],
      ['-y, --yes', 'do not ask'],
    ],
    examples: ['taibai import shop.taibai --dry-run', 'taibai import shop.taibai --yes'],
    async run(cli, args, options) {
      const bytes = args[0] === '-' ? await cli.input() : readFileSync(argumentAt(args, 0))
      const { bundle, packages } = readBundle(bytes)
      const steps = await importSteps(cli.client(), bundle, packages)
      cli.out.value(
        { dry_run: options.dryRun === true, steps: steps.map(({ kind, what, details }) => ({ kind, what, details })) },
        () => {
          if (steps.length === 0) cli.out.line('Nothing is different.')
          for (const { kind, what, details } of steps)
            cli.out.line(`${kind === 'create' ? '+' : '~'} ${what}  ${details.join(', ')}`)
        },
      )
      if (steps.length === 0 || options.dryRun === true) return
      if (options.yes !== true && !(await askConfirmation(cli, 'Bring this to the server?'))) return
      for (const step of steps) await step.take()
      cli.out.line('Imported.')
    },
  },
]

const singular: Record<string, string> = { functions: 'function', aliases: 'alias', jobs: 'job', webhooks: 'webhook' }

const countsText = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([noun, count]) => `${count} ${count === 1 ? (singular[noun] ?? noun) : noun}`)
    .join(', ')

/** Functions first, because the others refer to them. */
async function importSteps(client: Client, bundle: Bundle, packages: Map<string, Buffer>): Promise<Step[]> {
  const steps: Step[] = []
  for (const fn of bundle.functions) steps.push(...(await stepsOfFunction(client, fn, packages)))
  const names = new Map(bundle.functions.map(({ id, name }) => [id, name ?? id]))
  const target = (row: {
    function_id: string | null
    function_version?: number | null
    function_alias?: string | null
  }) =>
    row.function_alias
      ? { function_alias: row.function_alias }
      : { function_id: names.get(row.function_id ?? '') ?? '', function_version: row.function_version ?? 0 }
  const [aliases, jobs, webhooks] = await Promise.all([
    client.aliases.list(),
    client.jobs.list(),
    client.webhooks.list(),
  ])
  for (const alias of bundle.aliases) {
    if (aliases.some(({ name }) => name === alias.name)) continue
    const take = async () => {
      const { id } = await client.functions.get(names.get(alias.function_id) ?? alias.function_id)
      await client.aliases.create({ name: alias.name, ...pointed(alias), function_id: id })
    }
    steps.push({ kind: 'create', what: `alias ${alias.name}`, details: [`version ${alias.function_version}`], take })
  }
  for (const job of bundle.jobs.filter(
    ({ pattern, status }) => pattern !== null && (status === 'running' || status === 'paused'),
  )) {
    if (jobs.some(({ name, pattern }) => name === job.name && pattern === job.pattern)) continue
    const { name, pattern, function_input, timezone, overlap, missed, missed_limit, count } = job
    const fields = { pattern, timezone, overlap, missed, missed_limit, ...target(job) }
    const more = { ...(name && { name }), ...(function_input && { function_input }), ...(count !== null && { count }) }
    const take = async () => {
      const made = await client.jobs.create({ ...fields, ...more } as Parameters<typeof client.jobs.create>[0])
      if (job.status === 'paused') await client.jobs.update(made.id, { status: 'paused' })
    }
    steps.push({ kind: 'create', what: `job ${name ?? pattern}`, details: [String(pattern)], take })
  }
  for (const webhook of bundle.webhooks) {
    if (webhooks.some(({ description }) => description === webhook.description)) continue
    const fields = {
      ...target(webhook),
      ...(webhook.description && { description: webhook.description }),
      ...(webhook.sync && { sync: true }),
      // Without its signature check, the webhook would be open to everybody.
      ...(webhook.signature && { signature: webhook.signature }),
      ...(webhook.max_rate && { max_rate: webhook.max_rate }),
    }
    const take = async () => void (await client.webhooks.create(fields))
    steps.push({
      kind: 'create',
      what: `webhook ${webhook.description ?? ''}`.trim(),
      details: ['with a new address'],
      take,
    })
  }
  return steps
}

/** A new function also gets its versions, each frozen after its code was deployed. */
async function stepsOfFunction(
  client: Client,
  fn: Bundle['functions'][number],
  packages: Map<string, Buffer>,
): Promise<Step[]> {
  const name = fn.name ?? fn.id
  const fields = { ...fieldsOfBundle(fn), name }
  if (fn.code.source !== 'package') {
    const code = fn.code as { source: 'image'; image: string }
    return functionSteps(client, { name, fields, runtime: fn.runtime ?? undefined, image: code })
  }
  const zip = packages.get(packageName(name)) as Buffer
  const steps = await functionSteps(client, { name, fields, runtime: fn.runtime ?? undefined, zip })
  if (steps[0]?.kind !== 'create' || fn.versions.length === 0) return steps
  const take = async () => {
    const ordered = fn.versions.sort((a, b) => a.version_number - b.version_number)
    const first = packages.get(packageName(name, ordered[0]?.version_number)) as Buffer
    const made = await client.functions.createFromZip({ ...fields, runtime: fn.runtime ?? '' }, first)
    for (const { version_number, description } of ordered) {
      await client.functions.updateWithZip(made.id, {}, packages.get(packageName(name, version_number)) as Buffer)
      await client.versions.create(made.id, description === null ? {} : { description })
    }
    await client.functions.updateWithZip(made.id, {}, zip)
  }
  return [{ kind: 'create', what: `function ${name}`, details: [`${fn.versions.length} versions`], take }]
}

const pointed = ({ function_version, weights }: AliasRow) => ({ function_version, ...(weights && { weights }) })
