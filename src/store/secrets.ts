import { and, asc, count, desc, eq, lte, ne } from 'drizzle-orm'
import { FaasError } from '../domain/errors.ts'
import type { Secret, SecretStore, SecretVersion } from '../domain/platform/secret.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { secrets, secretVersions } from './schema.ts'

export class SecretRows implements SecretStore {
  #database: Database
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#database = database
    this.#statements = prepare(database.orm)
  }

  insert(secret: Secret, version: SecretVersion): void {
    runWrite(
      () =>
        this.#database.transaction(() => {
          this.#statements.insert.run({ ...secret })
          this.#statements.insertVersion.run({ ...version })
        }),
      {
        'secrets.project_id, secrets.name': () =>
          new FaasError('conflict', `There is a secret named ${secret.name} in this project already.`),
      },
    )
  }

  addVersion(secret: Secret, version: SecretVersion, keep: number): void {
    runWrite(() =>
      this.#database.transaction(() => {
        this.#statements.update.run({ ...secret })
        this.#statements.insertVersion.run({ ...version })
        this.#statements.deleteVersions.run({ secretId: secret.id, number: version.number - keep })
      }),
    )
  }

  delete(id: string): boolean {
    return runWrite(() => this.#statements.delete.run({ id }).changes > 0)
  }

  find(projectId: string, name: string): Secret | null {
    return this.#statements.find.get({ projectId, name }) ?? null
  }

  list(projectId: string | null): Secret[] {
    return projectId === null ? this.#statements.list.all() : this.#statements.listOfProject.all({ projectId })
  }

  findVersion(secretId: string, number: number): SecretVersion | null {
    return this.#statements.findVersion.get({ secretId, number }) ?? null
  }

  listVersions(secretId: string): Pick<SecretVersion, 'number' | 'createdAt'>[] {
    return this.#statements.listVersions.all({ secretId })
  }

  countSealedOtherwise(keyId: string): number {
    return this.#statements.countSealedOtherwise.get({ keyId })?.count ?? 0
  }
}

function prepare(orm: Database['orm']) {
  return { ...prepareSecrets(orm), ...prepareVersions(orm) }
}

function prepareSecrets(orm: Database['orm']) {
  const all = placeholders(secrets)
  const byId = eq(secrets.id, all.id)
  const ofProject = eq(secrets.projectId, all.projectId)
  return {
    insert: orm.insert(secrets).values(all).prepare(),
    update: orm.update(secrets).set(all).where(byId).prepare(),
    delete: orm.delete(secrets).where(byId).prepare(),
    find: orm
      .select()
      .from(secrets)
      .where(and(ofProject, eq(secrets.name, all.name)))
      .prepare(),
    list: orm.select().from(secrets).orderBy(asc(secrets.projectId), asc(secrets.name)).prepare(),
    listOfProject: orm.select().from(secrets).where(ofProject).orderBy(asc(secrets.name)).prepare(),
  }
}

function prepareVersions(orm: Database['orm']) {
  const all = placeholders(secretVersions)
  const ofSecret = eq(secretVersions.secretId, all.secretId)
  return {
    insertVersion: orm.insert(secretVersions).values(all).prepare(),
    deleteVersions: orm
      .delete(secretVersions)
      .where(and(ofSecret, lte(secretVersions.number, all.number)))
      .prepare(),
    findVersion: orm
      .select()
      .from(secretVersions)
      .where(and(ofSecret, eq(secretVersions.number, all.number)))
      .prepare(),
    listVersions: orm
      .select({ number: secretVersions.number, createdAt: secretVersions.createdAt })
      .from(secretVersions)
      .where(ofSecret)
      .orderBy(desc(secretVersions.number))
      .prepare(),
    countSealedOtherwise: orm
      .select({ count: count() })
      .from(secretVersions)
      .where(ne(secretVersions.keyId, all.keyId))
      .prepare(),
  }
}
