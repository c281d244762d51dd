/** Functions written for Google's Functions Framework, whose package leaves the framework to the platform. */
import { describe } from 'vitest'
import { googleFunctions } from '../support/google-python.ts'

describe('with the framework of the platform', () => googleFunctions())
