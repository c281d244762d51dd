import { functionsOf } from '../../domain/functions/app-function.ts'
import { isApp } from '../../domain/functions/function.ts'
import { defaultSignature } from '../../domain/functions/signature.ts'
import { idFrom } from '../../domain/ids.ts'
import { inputFromText } from '../../domain/runs/input.ts'
import type { CronPatterns, Job } from '../../domain/triggers/job.ts'
import { inputOfTimer } from '../../domain/triggers/timer-event.ts'
import { inputOfJob } from '../../domain/triggers/trigger-event.ts'
import type { Target } from '../functions/targets.ts'
import type { RunRequest } from '../runs/run-request.ts'

/** A due run of a job as an execution. */

/** The same id for the same run of a job, whoever computes it. */
export const runId = (job: Job, dueMs: number): string => idFrom(job.id, dueMs)

const originOf = (job: Job, atMs: number) => ({
  executionId: runId(job, atMs),
  projectId: job.projectId,
  trigger: 'job' as const,
  triggerId: job.id,
  description: `Created by Job ${job.id}`,
})

interface DueRun {
  atMs: number
  nowMs: number
  patterns: CronPatterns
}

/** `after`: begins when that has ended. */
export function runOfJob(job: Job, due: DueRun, target: Target, after: Promise<unknown> | undefined): RunRequest {
  const { signature } = target.revision
  const origin = originOf(job, due.atMs)
  const text = timerInput(job, due, target) ?? inputOfJob(job, due.atMs, origin.executionId, signature)
  return { ...origin, target, input: inputFromText(text, signature), after }
}

const timerInput = (job: Job, { atMs, nowMs, patterns }: DueRun, { fn }: Target): string | null =>
  isApp(fn) ? inputOfTimer(job, atMs, functionsOf(fn), patterns, nowMs) : null

/** A run that has nothing to run. */
export const untriedRunOfJob = (job: Job, atMs: number, functionId: string) => ({
  ...originOf(job, atMs),
  functionId,
  functionVersion: job.functionVersion ?? 0,
  functionAlias: job.functionAlias,
  input: inputFromText(job.functionInput, defaultSignature),
})
