import { dirname } from 'node:path'
import { lockDataFolder } from '../../src/store/data-lock.ts'
import { waitUntil } from '../support/wait-until.ts'

/** The files of this ring stop services that the others need: each has the stack for itself until its process ends. */

const { TAIBAI_TEST_STACK_DIR: running, TAIBAI_TEST_STACK_NOTE: note } = process.env
const folder = running ?? (note === undefined ? undefined : dirname(note))
/** Longer than all others together. */
const patienceMs = 1_800_000

function taken(folder: string): (() => void) | undefined {
  try {
    return lockDataFolder(folder)
  } catch {
    return undefined
  }
}

/** Kept, for a connection that nobody knows any more is closed. */
export const letGo = folder && (await waitUntil('the file before has ended', () => taken(folder), patienceMs))
