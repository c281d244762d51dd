/** Functions written for other platforms, with the real libraries of PyPI in their package. */
import { describe } from 'vitest'
import { azureApps } from '../support/azure-python.ts'
import { googleFunctions } from '../support/google-python.ts'
import { pythonPackages, pythonVersion } from '../support/registry-packages.ts'

const google = pythonPackages(['functions-framework==3.10.2', 'cloudevents==1.12.0'], { forWorkers: true })
if (google.problem !== null) console.warn(`NO FUNCTIONS FRAMEWORK FOR PYTHON: its tests are skipped. ${google.problem}`)

describe.skipIf(google.problem !== null)('with the framework of PyPI', () => googleFunctions(google.folder))

/** 2.x wants Python 3.13. */
const library = Number(pythonVersion().split('.')[1]) >= 13 ? 'azure-functions==2.3.0' : 'azure-functions==1.26.0'
const azure = pythonPackages([library], { forWorkers: true })
if (azure.problem !== null) console.warn(`NO LIBRARY OF AZURE FOR PYTHON: its tests are skipped. ${azure.problem}`)

describe.skipIf(azure.problem !== null)(`with ${library} of PyPI`, () => azureApps(azure.folder))
