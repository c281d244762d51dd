import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Short files that ask a list of questions of something: they take longest, and would be taken for the quickest. */
const asksList = /\/(conformance|contract)[^/]*\.test\.ts$/

/** Where nothing is known of earlier runs, vitest begins with the largest files: the others would wait for these at the end. */
export class ListsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isList = ({ moduleId }: TestSpecification): boolean => asksList.test(moduleId)
    return [...sorted.filter(isList), ...sorted.filter((file) => !isList(file))]
  }
}
