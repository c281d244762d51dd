/** Functions written for other platforms, with the real libraries of PyPI in their package. */
import { describe } from 'vitest'
import { googleFunctions } from '../support/google-python.ts'
import { pythonPackages } from '../support/registry-packages.ts'

const google = pythonPackages(['functions-framework==3.10.2', 'cloudevents==1.12.0'])
if (google.problem !== null) console.warn(`NO FUNCTIONS FRAMEWORK FOR PYTHON: its tests are skipped. ${google.problem}`)

describe.skipIf(google.problem !== null)('with the framework of PyPI', () => googleFunctions(google.folder))
