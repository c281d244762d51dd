import { cronOfMinutes, type WhiskAlarm } from '../../domain/functions/openwhisk.ts'
import type { NewId } from '../../domain/ids.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { objectIn as fieldIn } from './action-fields.ts'
import type { Catalogue } from './catalogue.ts'
import { readName } from './names.ts'
import type { RuleJobs } from './rule-jobs.ts'
import { objectIn, type WhiskAnswer, type WhiskBody, type WhiskCall } from './whisk-call.ts'
import { whiskBadRequest, whiskNotFound } from './whisk-error.ts'
import { activationIdOf } from './whisk-runs.ts'

interface Parts {
  catalogue: Catalogue
  ruleJobs: RuleJobs
  newId: NewId
}

export const systemSpace = 'whisk.system'

/** The feeds of `/whisk.system/alarms`: they schedule when a trigger fires. */
export class AlarmFeed {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** `name`: of the feed action. */
  act = async (call: WhiskCall): Promise<WhiskAnswer> => {
    const kind = /^alarms\/(alarm|interval|once)$/.exec(call.name)?.[1]
    if (kind === undefined) throw whiskNotFound()
    const given = objectIn(call.body)
    const result = await this.#done(call.who, kind, given)
    const activationId = activationIdOf(this.#parts.newId())
    const headers = { 'X-Openwhisk-Activation-Id': activationId }
    if (call.query.get('blocking') !== 'true') return { status: 202, json: { activationId }, headers }
    if (call.query.get('result') === 'true') return { status: 200, json: result, headers }
    const response = { status: 'success', statusCode: 0, success: true, result }
    const json = { activationId, namespace: call.who.projectId, name: kind, version: '0.0.1', response, logs: [] }
    return { status: 200, json, headers }
  }

  async #done(who: Principal, kind: string, given: WhiskBody): Promise<object> {
    const trigger = this.#parts.catalogue.get(who, 'trigger', readName(given.triggerName))
    if (given.lifecycleEvent === 'READ') return readAlarm(trigger.fields.alarm ?? null)
    if (given.lifecycleEvent === 'DELETE') await this.#set(who, trigger, null)
    else if (given.lifecycleEvent === 'CREATE' || given.lifecycleEvent === 'UPDATE') {
      await this.#set(who, trigger, alarmIn(kind, given))
    } else throw whiskBadRequest('lifecycleEvent must be CREATE, READ, UPDATE or DELETE.')
    return {}
  }

  /** Restores the previous alarm when the new one cannot be set. */
  async #set(who: Principal, trigger: Parameters<Catalogue['note']>[0], alarm: WhiskAlarm | null): Promise<void> {
    const { catalogue, ruleJobs } = this.#parts
    if (alarm !== null) ruleJobs.check(alarm)
    catalogue.note(trigger, { alarm })
    try {
      await ruleJobs.settle(who)
    } catch (error) {
      catalogue.put(trigger)
      throw error
    }
  }
}

function readAlarm(alarm: WhiskAlarm | null): object {
  if (alarm === null) return { status: { active: false }, config: {} }
  const { cron, date, timezone, payload, count } = alarm
  const limit = count === null ? {} : { maxTriggers: count }
  return { status: { active: true }, config: { cron, date, timezone, payload, ...limit } }
}

function alarmIn(kind: string, given: WhiskBody): WhiskAlarm {
  const { timezone = 'UTC', trigger_payload: payload = {}, maxTriggers, stopDate } = given
  if (stopDate !== undefined)
    throw whiskBadRequest('stopDate is not supported here: give maxTriggers, or delete the trigger then.')
  if (typeof timezone !== 'string')
    throw whiskBadRequest('timezone must be the name of a time zone, such as Europe/Berlin.')
  const asked = typeof payload === 'string' ? parsed(payload) : payload
  return {
    cron: cronIn(kind, given),
    timezone,
    date: dateIn(kind, given),
    payload: fieldIn('trigger_payload', asked),
    count: Number.isSafeInteger(maxTriggers) && (maxTriggers as number) > 0 ? (maxTriggers as number) : null,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw whiskBadRequest('trigger_payload must be a JSON object.')
  }
}

function cronIn(kind: string, { cron, minutes }: WhiskBody): string | null {
  if (kind === 'once') return null
  if (kind === 'interval') return cronOfMinutes(Number(minutes)) ?? refuseMinutes()
  if (typeof cron === 'string' && cron !== '') return cron
  throw whiskBadRequest('alarms trigger feed is missing the cron parameter')
}

function refuseMinutes(): never {
  throw whiskBadRequest(
    'minutes must divide an hour (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60), or be hours that divide a day.',
  )
}

function dateIn(kind: string, { date, startDate }: WhiskBody): string | null {
  const given = kind === 'once' ? date : startDate
  if (given === undefined || given === null) {
    if (kind === 'once') throw whiskBadRequest('alarms once trigger feed is missing the date parameter')
    return null
  }
  const at = new Date(given as string | number)
  if (Number.isNaN(at.getTime())) throw whiskBadRequest('The date cannot be read: write it as 2030-01-02T03:04:05Z.')
  return at.toISOString()
}
