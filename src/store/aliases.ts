import { and, asc, eq } from 'drizzle-orm'
import { invalid } from '../domain/errors.ts'
import type { Alias, AliasStore } from '../domain/functions/alias.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { aliases } from './schema.ts'

export class AliasRows implements AliasStore {
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#statements = prepare(database.orm)
  }

  insert(alias: Alias): void {
    runWrite(() => this.#statements.insert.run({ ...alias }), notUnique(alias))
  }

  update(alias: Alias): void {
    runWrite(() => this.#statements.update.run({ ...alias }), notUnique(alias))
  }

  delete(id: string): boolean {
    return runWrite(() => this.#statements.delete.run({ id }).changes > 0)
  }

  find(projectId: string, name: string): Alias | null {
    return this.#statements.find.get({ projectId, name }) ?? null
  }

  findAnywhere(name: string): Alias[] {
    return this.#statements.findAnywhere.all({ name })
  }

  list(projectId: string | null): Alias[] {
    return projectId === null ? this.#statements.list.all() : this.#statements.listOfProject.all({ projectId })
  }

  listOfFunction(functionId: string): Alias[] {
    return this.#statements.listOfFunction.all({ functionId })
  }
}

/** The contract answers 400 to both, not 409. */
const notUnique = ({ name, functionId, functionVersion }: Alias) => ({
  'aliases.project_id, aliases.name': () => invalid(`There is an alias named ${name} in this project already.`),
  'aliases.project_id, aliases.function_id, aliases.function_version': () =>
    invalid(`Version ${functionVersion} of function ${functionId} has an alias in this project already.`),
})

function prepare(orm: Database['orm']) {
  const all = placeholders(aliases)
  const byId = eq(aliases.id, all.id)
  const ofProject = eq(aliases.projectId, all.projectId)
  const named = eq(aliases.name, all.name)
  const select = () => orm.select().from(aliases)
  const inOrder = [asc(aliases.createdAt), asc(aliases.id)]
  return {
    insert: orm.insert(aliases).values(all).prepare(),
    update: orm.update(aliases).set(all).where(byId).prepare(),
    delete: orm.delete(aliases).where(byId).prepare(),
    find: select().where(and(ofProject, named)).prepare(),
    findAnywhere: select()
      .where(named)
      .orderBy(...inOrder)
      .prepare(),
    list: select()
      .orderBy(...inOrder)
      .prepare(),
    listOfProject: select()
      .where(ofProject)
      .orderBy(...inOrder)
      .prepare(),
    listOfFunction: select()
      .where(eq(aliases.functionId, all.functionId))
      .orderBy(...inOrder)
      .prepare(),
  }
}
