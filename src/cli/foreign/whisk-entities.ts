import type { Client } from '../../client/client.ts'
import { cronOfMinutes } from '../../domain/functions/openwhisk.ts'
import { CliError } from '../command.ts'
import type { Step } from '../manifest/difference.ts'
import { isObject, objectOf, type ParsedValues, type WhiskManifestEntity } from './foreign-manifest.ts'

/** What a manifest of wskdeploy has beside functions: it is made through OpenWhisk's API, as its own clients make it. */

interface Notes {
  add(line: string): void
}

/** All of the packages, in an order in which each finds what it names. `inputsOf`: default parameters of an action. */
export function entitiesIn(
  packages: ParsedValues,
  inputsOf: (pkg: ParsedValues, action: ParsedValues) => ParsedValues,
  notes: Notes,
): WhiskManifestEntity[] {
  const found: Record<WhiskManifestEntity['kind'], WhiskManifestEntity[]> = {
    package: [],
    action: [],
    trigger: [],
    rule: [],
  }
  const sequences: WhiskManifestEntity[] = []
  for (const [name, value] of Object.entries(packages)) {
    const pkg = objectOf(value)
    const within = (action: string) => (name === 'default' ? action : `${name}/${action}`)
    if (name !== 'default')
      found.package.push({ kind: 'package', name, body: { ...annotated(objectOf(pkg.annotations)) } })
    for (const [action, about] of Object.entries(objectOf(pkg.actions))) {
      const own = objectOf(about)
      const annotations = annotationsOf(own)
      if (Object.keys(annotations).length === 0) continue
      const parameters = pairs(inputsOf(pkg, own))
      found.action.push({ kind: 'action', name: within(action), body: { ...annotated(annotations), parameters } })
    }
    for (const [sequence, about] of Object.entries(objectOf(pkg.sequences))) {
      const own = objectOf(about)
      const exec = { kind: 'sequence', components: partsOf(own.actions).map((one) => `/_/${placeOf(one, within)}`) }
      sequences.push({ kind: 'action', name: within(sequence), body: { exec, ...annotated(annotationsOf(own)) } })
    }
    for (const [trigger, about] of Object.entries(objectOf(pkg.triggers)))
      found.trigger.push(triggerOf(trigger, objectOf(about), notes))
    for (const [rule, about] of Object.entries(objectOf(pkg.rules))) {
      const { trigger, action } = objectOf(about)
      const body = { trigger: `/_/${trigger}`, action: `/_/${placeOf(String(action), within)}`, status: 'active' }
      found.rule.push({ kind: 'rule', name: rule, body })
    }
  }
  return [...found.package, ...found.action, ...sequences, ...found.trigger, ...found.rule]
}

/** Annotations as `web` and `annotations` say them, as `wsk action create --web` makes them. */
function annotationsOf({ web, 'web-export': webExport, annotations }: ParsedValues): ParsedValues {
  const said = web ?? webExport
  const isRaw = said === 'raw'
  const isOn = isRaw || said === true || said === 'true' || said === 'yes'
  const ofWeb = said === undefined ? {} : { 'web-export': isOn, 'raw-http': isRaw, ...(isOn && { final: true }) }
  return { ...ofWeb, ...objectOf(annotations) }
}

const annotated = (annotations: ParsedValues): ParsedValues =>
  Object.keys(annotations).length === 0 ? {} : { annotations: pairs(annotations) }

const pairs = (values: ParsedValues): ParsedValues[] => Object.entries(values).map(([key, value]) => ({ key, value }))

/** `a, p/b`, or a list. */
const partsOf = (actions: unknown): string[] =>
  (Array.isArray(actions) ? actions.map(String) : String(actions ?? '').split(','))
    .map((one) => one.trim())
    .filter((one) => one !== '')

/** An action's name below the namespace: that of the own package, `package/action`, or `/namespace/…`. */
const placeOf = (name: string, within: (action: string) => string): string => {
  if (name.startsWith('/')) return name.split('/').slice(2).join('/')
  return name.includes('/') ? name : within(name)
}

function triggerOf(
  name: string,
  { feed, source, inputs, annotations }: ParsedValues,
  notes: Notes,
): WhiskManifestEntity {
  const values = Object.fromEntries(
    Object.entries(objectOf(inputs)).map(([key, said]) => [key, isObject(said) ? (said.value ?? said.default) : said]),
  )
  const asked = feed ?? source
  const kind = /^\/whisk\.system\/alarms\/(alarm|interval|once)$/.exec(String(asked))?.[1]
  if (asked !== undefined && kind === undefined)
    notes.add(`trigger ${name}: feed ${asked} (only /whisk.system/alarms is supported)`)
  if (kind === 'alarm' && values.cron === undefined) {
    throw new CliError(
      `trigger ${name} has no "cron": write it in its inputs, in this file or in deployment.yaml.`,
      'usage',
    )
  }
  const body =
    asked === undefined
      ? { ...annotated(objectOf(annotations)), parameters: pairs(values) }
      : annotated(objectOf(annotations))
  return { kind: 'trigger', name, body, ...(kind !== undefined && { alarm: { feed: kind, values } }) }
}

/** The difference to the server, as steps; those of functions come before them. */
export async function whiskSteps(client: Client, entities: WhiskManifestEntity[]): Promise<Step[]> {
  const steps = await Promise.all(entities.map((entity) => entityStep(client, entity)))
  return steps.flatMap((step) => step ?? [])
}

async function entityStep({ connection }: Client, entity: WhiskManifestEntity): Promise<Step | null> {
  const { kind, name, body, alarm } = entity
  const path = `/api/v1/namespaces/_/${kind}s/${name.split('/').map(encodeURIComponent).join('/')}`
  const feed = (lifecycleEvent: string, values: ParsedValues = {}) =>
    connection.requestOk('POST', `/api/v1/namespaces/whisk.system/actions/alarms/${alarm?.feed}`, {
      query: { blocking: true, result: true },
      json: { lifecycleEvent, triggerName: `/_/${name}`, ...values },
    })
  const there = await connection.request('GET', path, { query: { code: false } })
  const known = there.status === 404 ? null : objectOf(there.json)
  const changed =
    known === null ? Object.keys(body) : Object.keys(body).filter((key) => !isThere(body[key], known[key]))
  const before = known === null || alarm === undefined ? null : objectOf(objectOf((await feed('READ')).json).config)
  const isOtherAlarm = alarm !== undefined && !isSameAlarm(alarm, before)
  if (known !== null && changed.length === 0 && !isOtherAlarm) return null
  const take = async () => {
    if (known === null || changed.length > 0)
      await connection.requestOk('PUT', path, { query: { overwrite: true }, json: body })
    if (isOtherAlarm) await feed('CREATE', alarm?.values)
  }
  const what = `${kind === 'action' && 'exec' in body ? 'sequence' : kind} ${name}`
  return {
    kind: known === null ? 'create' : 'change',
    what,
    details: [...changed, ...(isOtherAlarm ? ['alarm'] : [])],
    take,
  }
}

/** Whether the server has what is wanted: names of its own namespace, and annotations of its own beside ours. */
function isThere(wanted: unknown, there: unknown): boolean {
  if (Array.isArray(wanted) && Array.isArray(there)) {
    const isOfKeys = wanted.every((one) => isObject(one) && 'key' in one)
    if (isOfKeys)
      return wanted.every((one) =>
        there.some((its) => isObject(its) && its.key === one.key && isThere(one.value, its.value)),
      )
    return wanted.length === there.length && wanted.every((one, at) => isThere(one, there[at]))
  }
  if (isObject(wanted) && isObject(there))
    return Object.entries(wanted).every(([key, value]) => isThere(value, there[key]))
  if (typeof wanted === 'string' && wanted.startsWith('/_/')) return withoutSpace(there) === wanted.slice('/_/'.length)
  return JSON.stringify(wanted) === JSON.stringify(there)
}

/** A reference in answers: `/namespace/package/name`, or its parts. */
function withoutSpace(there: unknown): string {
  const { path, name } = objectOf(there)
  const text = typeof there === 'string' ? there.replace(/^\//, '') : `${path}/${name}`
  return text.split('/').slice(1).join('/')
}

/** Whether the server has this alarm: one that fires once may have done so, and cannot be set again. */
function isSameAlarm(
  { feed, values }: NonNullable<WhiskManifestEntity['alarm']>,
  config: ParsedValues | null,
): boolean {
  const { cron, minutes, date, startDate, timezone = 'UTC', trigger_payload = {}, maxTriggers, ...others } = values
  if (config === null || Object.keys(others).length > 0) return false
  const patterns: Record<string, unknown> = { alarm: cron, interval: cronOfMinutes(Number(minutes)), once: null }
  const payload = typeof trigger_payload === 'string' ? trigger_payload : JSON.stringify(trigger_payload)
  const isSameTime = timeOf(feed === 'once' ? date : startDate) === timeOf(config.date)
  const isSamePattern = config.cron === patterns[feed] && config.timezone === timezone
  if (maxTriggers !== config.maxTriggers) return false
  return isSamePattern && isSameTime && JSON.stringify(config.payload) === payload
}

const timeOf = (date: unknown): number | null =>
  date === undefined || date === null ? null : new Date(date as string | number).getTime()
