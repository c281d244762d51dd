import { and, asc, count, eq, inArray, isNotNull, max, sql } from 'drizzle-orm'
import { union } from 'drizzle-orm/sqlite-core'
import { FaasError } from '../domain/errors.ts'
import type { Alongside, Fn, FunctionStore, FunctionVersion } from '../domain/functions/function.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { functions, functionVersions, jobs, whiskEntities } from './schema.ts'

export class FunctionRows implements FunctionStore {
  #database: Database
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#database = database
    this.#statements = prepare(database.orm)
  }

  insert(fn: Fn, alongside?: Alongside): void {
    this.#write(fn, () => this.#statements.insert.run({ ...fn }), alongside)
  }

  update(fn: Fn, alongside?: Alongside): void {
    this.#write(fn, () => this.#statements.update.run({ ...fn }), alongside)
  }

  delete(id: string): boolean {
    return runWrite(() => this.#database.transaction(() => this.#delete(id)))
  }

  replace(id: string, fn: Fn): void {
    const swap = () => {
      this.#statements.takeName.run({ id })
      this.#statements.insert.run({ ...fn })
      this.#statements.moveAction.run({ from: id, to: fn.id })
      this.#delete(id)
    }
    runWrite(() => this.#database.transaction(swap), nameIsTaken(fn))
  }

  find(id: string): Fn | null {
    return this.#statements.find.get({ id }) ?? null
  }

  findByName(projectId: string, name: string): Fn | null {
    return this.#statements.findByName.get({ projectId, name }) ?? null
  }

  list(projectId: string | null): Fn[] {
    return projectId === null ? this.#statements.list.all() : this.#statements.listOfProject.all({ projectId })
  }

  count(projectId: string): number {
    return this.#statements.count.get({ projectId })?.count ?? 0
  }

  packageHashesOf(projectId: string): string[] {
    return this.#statements.packageHashesOf.all({ projectId }).map(({ hash }) => hash as string)
  }

  usesRuntime(runtimeId: string): boolean {
    return this.#statements.firstOfRuntime.get({ runtimeId }) !== undefined
  }

  packageHashes(): Set<string> {
    return new Set(this.#statements.packageHashes.all().map(({ hash }) => hash as string))
  }

  insertVersion(version: FunctionVersion): void {
    const { functionId, number } = version
    this.#changeVersions(functionId, () => this.#statements.insertVersion.run({ ...version }), {
      'function_versions.function_id, function_versions.number': () =>
        new FaasError('conflict', `Function ${functionId} has a version ${number} already.`),
    })
  }

  deleteVersion(functionId: string, number: number): boolean {
    return this.#changeVersions(functionId, () => this.#statements.deleteVersion.run({ functionId, number }))
  }

  findVersion(functionId: string, number: number): FunctionVersion | null {
    return this.#statements.findVersion.get({ functionId, number }) ?? null
  }

  listVersions(functionId: string): FunctionVersion[] {
    return this.#statements.listVersions.all({ functionId })
  }

  #delete(id: string): boolean {
    this.#statements.deleteFinishedJobs.run({ id })
    return this.#statements.delete.run({ id }).changes > 0
  }

  #write(fn: Fn, write: () => void, alongside: Alongside | undefined): void {
    const whole = () => {
      alongside?.before?.()
      write()
      alongside?.after?.()
    }
    runWrite(() => (alongside === undefined ? write() : this.#database.transaction(whole)), nameIsTaken(fn))
  }

  /** `latestVersion` changes in the same transaction as the versions. */
  #changeVersions(functionId: string, change: () => { changes: number }, refusals = {}): boolean {
    return runWrite(
      () =>
        this.#database.transaction(() => {
          const { changes } = change()
          const latestVersion = this.#statements.highestVersion.get({ functionId })?.number ?? 0
          this.#statements.setLatestVersion.run({ functionId, latestVersion })
          return changes > 0
        }),
      refusals,
    )
  }
}

const nameIsTaken = (fn: Fn) => ({
  'functions.project_id, functions.name': () =>
    new FaasError('conflict', `There is a function named ${fn.name} in this project already; choose another name.`),
  'functions.name': () =>
    new FaasError(
      'conflict',
      `Another public function is named ${fn.name}; choose another name, or ask for a host name.`,
    ),
})

function prepare(orm: Database['orm']) {
  return { ...prepareFunctions(orm), ...prepareVersions(orm) }
}

function prepareFunctions(orm: Database['orm']) {
  const all = placeholders(functions)
  const byId = eq(functions.id, all.id)
  const inOrder = [asc(functions.createdAt), asc(functions.id)]
  const ofProject = eq(functions.projectId, all.projectId)
  return {
    insert: orm.insert(functions).values(all).prepare(),
    update: orm.update(functions).set(all).where(byId).prepare(),
    delete: orm.delete(functions).where(byId).prepare(),
    takeName: orm.update(functions).set({ name: null }).where(byId).prepare(),
    moveAction: orm
      .update(whiskEntities)
      .set({ functionId: sql`${sql.placeholder('to')}` })
      .where(eq(whiskEntities.functionId, sql.placeholder('from')))
      .prepare(),
    deleteFinishedJobs: orm
      .delete(jobs)
      .where(and(eq(jobs.functionId, all.id), inArray(jobs.status, ['done', 'cancelled'])))
      .prepare(),
    find: orm.select().from(functions).where(byId).prepare(),
    findByName: orm
      .select()
      .from(functions)
      .where(and(ofProject, eq(functions.name, all.name)))
      .prepare(),
    list: orm
      .select()
      .from(functions)
      .orderBy(...inOrder)
      .prepare(),
    listOfProject: orm
      .select()
      .from(functions)
      .where(ofProject)
      .orderBy(...inOrder)
      .prepare(),
    firstOfRuntime: orm
      .select({ id: functions.id })
      .from(functions)
      .where(eq(functions.runtimeId, all.runtimeId))
      .limit(1)
      .prepare(),
    count: orm.select({ count: count() }).from(functions).where(ofProject).prepare(),
    packageHashesOf: union(
      orm
        .select({ hash: functions.packageHash })
        .from(functions)
        .where(and(ofProject, isNotNull(functions.packageHash))),
      orm
        .select({ hash: functionVersions.packageHash })
        .from(functionVersions)
        .where(eq(functionVersions.projectId, sql.placeholder('projectId'))),
    ).prepare(),
    packageHashes: union(
      orm.select({ hash: functions.packageHash }).from(functions).where(isNotNull(functions.packageHash)),
      orm.select({ hash: functionVersions.packageHash }).from(functionVersions),
    ).prepare(),
  }
}

function prepareVersions(orm: Database['orm']) {
  const all = placeholders(functionVersions)
  const ofFunction = eq(functionVersions.functionId, all.functionId)
  const one = and(ofFunction, eq(functionVersions.number, all.number))
  return {
    insertVersion: orm.insert(functionVersions).values(all).prepare(),
    deleteVersion: orm.delete(functionVersions).where(one).prepare(),
    findVersion: orm.select().from(functionVersions).where(one).prepare(),
    listVersions: orm.select().from(functionVersions).where(ofFunction).orderBy(asc(functionVersions.number)).prepare(),
    highestVersion: orm
      .select({ number: max(functionVersions.number) })
      .from(functionVersions)
      .where(ofFunction)
      .prepare(),
    setLatestVersion: orm
      .update(functions)
      .set({ latestVersion: sql`${sql.placeholder('latestVersion')}` })
      .where(eq(functions.id, all.functionId))
      .prepare(),
  }
}
