import type { Client } from '../../client/client.ts'
import type { JobFields } from '../../client/resources/jobs.ts'
import type { WebhookFields, WebhookRow } from '../../client/resources/webhooks.ts'
import { weightsText } from '../terminal/table-columns.ts'
import { canonical, changedFields, type Step } from './difference.ts'
import { existing } from './function-steps.ts'
import type { ManifestFunction, ManifestJob } from './manifest.ts'

/** Jobs, webhooks and aliases of an existing function. */
export async function triggerSteps(client: Client, name: string, fn: ManifestFunction): Promise<Step[]> {
  const there = await existing(client, name)
  return [
    ...(await aliasSteps(client, there?.id, name, fn)),
    ...(await jobSteps(client, there?.id, name, fn)),
    ...(await webhookSteps(client, there?.id, name, fn)),
  ]
}

async function aliasSteps(
  client: Client,
  id: string | undefined,
  name: string,
  { aliases = {} }: ManifestFunction,
): Promise<Step[]> {
  const known = Object.keys(aliases).length === 0 ? [] : await client.aliases.list()
  return Object.entries(aliases).flatMap(([alias, wanted]): Step[] => {
    const { version, weights = {} } = typeof wanted === 'number' ? { version: wanted } : wanted
    const row = known.find((one) => one.name === alias)
    const isSame = row?.function_version === version && canonical(row.weights ?? {}) === canonical(weights)
    if (row?.function_id === id && isSame) return []
    const details = [`version ${version}`, ...(Object.keys(weights).length > 0 ? [weightsText(weights)] : [])]
    const fields = async () => ({
      function_id: (await client.functions.get(name)).id,
      function_version: version,
      weights,
    })
    const take = async () => {
      if (row === undefined) await client.aliases.create({ name: alias, ...(await fields()) })
      else await client.aliases.update(alias, await fields())
    }
    return [{ kind: row === undefined ? 'create' : 'change', what: `alias ${alias}`, details, take }]
  })
}

async function jobSteps(
  client: Client,
  id: string | undefined,
  name: string,
  { jobs = {} }: ManifestFunction,
): Promise<Step[]> {
  const known =
    Object.keys(jobs).length === 0
      ? []
      : (await client.jobs.list()).filter((job) => job.function_id === id && job.status !== 'done')
  return Object.entries(jobs).flatMap(([job, wanted]): Step[] => {
    const fields = jobFields(job, wanted)
    const row = known.find((one) => one.name === job)
    const what = `job ${name}/${job}`
    if (row === undefined) {
      const take = async () => void (await client.jobs.create({ ...fields, function_id: name }))
      return [{ kind: 'create', what, details: [wanted.pattern ?? `at ${wanted.at}`], take }]
    }
    const { first_execution_time: _at, ...comparable } = fields
    const changed = Object.entries(comparable).filter(([field, value]) => row[field as keyof typeof row] !== value)
    if (changed.length === 0) return []
    const details = changed.map(([field, value]) => `${field}: ${row[field as keyof typeof row]} → ${value}`)
    return [
      {
        kind: 'change',
        what,
        details,
        take: async () => void (await client.jobs.update(row.id, Object.fromEntries(changed))),
      },
    ]
  })
}

function jobFields(
  name: string,
  { pattern, at, timezone, input, overlap, missed, missed_limit }: ManifestJob,
): JobFields {
  const fields: JobFields = {
    name,
    pattern,
    timezone,
    overlap,
    missed,
    missed_limit,
    first_execution_time: at,
    function_input: input === undefined ? undefined : typeof input === 'string' ? input : JSON.stringify(input),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

async function webhookSteps(
  client: Client,
  id: string | undefined,
  name: string,
  { webhooks = {} }: ManifestFunction,
): Promise<Step[]> {
  const known = Object.keys(webhooks).length === 0 ? [] : await client.webhooks.list()
  return Object.entries(webhooks).flatMap(([webhook, wanted]): Step[] => {
    const alias = wanted?.alias
    const what = `webhook ${name}/${webhook}`
    const { alias: _alias, ...fields } = wanted ?? {}
    const there = known.find(
      (row) =>
        row.description === webhook && (alias === undefined ? row.function_id === id : row.function_alias === alias),
    )
    if (there === undefined) {
      const target = alias === undefined ? { function_id: name } : { function_alias: alias }
      const take = async () => void (await client.webhooks.create({ ...target, description: webhook, ...fields }))
      return [{ kind: 'create', what, details: [], take }]
    }
    const changed = changedWebhook(fields, there)
    if (Object.keys(changed).length === 0) return []
    const take = async () => void (await client.webhooks.update(there.id, changed))
    return [{ kind: 'change', what, details: Object.keys(changed), take }]
  })
}

/** Fields in which the file differs from the server, in the server's format. */
function changedWebhook({ signature, ...fields }: WebhookFields, there: WebhookRow): WebhookFields {
  const wanted: WebhookFields =
    signature === undefined || signature === null
      ? fields
      : { ...fields, signature: { header: null, tolerance: null, ...signature } }
  return changedFields(wanted, there)
}
