/** Apps of Azure Functions for Python, whose library the platform supplies. */
import { describe } from 'vitest'
import { azureApps } from '../support/azure-python.ts'

describe('with the library of the platform', () => azureApps())
