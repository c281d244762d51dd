import type { WhiskEntity } from '../../domain/openwhisk.ts'
import { partsOf, spaceOf } from './names.ts'

/** An action as answers show it; `code`: where it was asked for. */
export function actionRecord(project: string, entity: WhiskEntity, code?: string): Record<string, unknown> {
  const { exec = { kind: 'unknown', binary: false }, limits } = entity.fields
  const components = exec.components?.map((name) => name.replace(/^\/_\//, `/${project}/`))
  return {
    ...entityRecord(project, entity),
    exec: { ...exec, ...(components !== undefined && { components }), ...(code !== undefined && { code }) },
    limits,
  }
}

/** What all entities have in common. */
export function entityRecord(
  project: string,
  { name, fields, writes, updatedAt }: WhiskEntity,
): Record<string, unknown> {
  return {
    namespace: spaceOf(project, name),
    name: partsOf(name).name,
    version: `0.0.${writes}`,
    publish: false,
    annotations: fields.annotations,
    parameters: fields.parameters,
    updated: updatedAt,
  }
}
