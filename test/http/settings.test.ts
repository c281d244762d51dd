import { describe, expect, test } from 'vitest'
import { readConfig, settingsInEffect } from '../../src/config.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

describe('the settings in effect', () => {
  testRows(
    [
      { name: 'are not for nobody', ask: 'GET /v1/settings', as: 'nobody', status: 401 },
      { name: 'are not for members', ask: 'GET /v1/settings', status: 403 },
      {
        name: 'are shown to admins, without secrets',
        ask: 'GET /v1/settings',
        as: 'admin',
        status: 200,
        shows: ['"name":"TAIBAI_PORT"', '"value":"7070"', '"secret":true,"given":true'],
        hides: ['a-token-of-admins'],
      },
    ],
    () => ({ app: makeTestApp(), made: {} }),
  )

  test('show the environment’s values and the defaults, and hide passwords in addresses', () => {
    const environment = {
      TAIBAI_OTLP_URL: 'http://me:very-secret@collector:4318',
      TAIBAI_OTLP_HEADERS: 'authorization=very-secret',
      TAIBAI_PROJECT_LIMITS: 'running=5,jobs=none',
      TAIBAI_CORS_ORIGINS: 'https://a.example,https://b.example',
    }
    const shown = settingsInEffect(readConfig(environment), environment)
    const of = (wanted: string) => shown.find(({ name }) => name === wanted)
    expect(of('TAIBAI_OTLP_URL')).toMatchObject({ subject: 'Traces', value: 'http://…@collector:4318', isGiven: true })
    expect(of('TAIBAI_OTLP_HEADERS')).toMatchObject({ value: null, isSecret: true, isGiven: true })
    expect(of('TAIBAI_PROJECT_LIMITS')).toMatchObject({ value: 'running=5,jobs=none' })
    expect(of('TAIBAI_CORS_ORIGINS')).toMatchObject({ value: 'https://a.example,https://b.example' })
    expect(of('TAIBAI_PORT')).toMatchObject({ value: '7070', isGiven: false, isSecret: false })
    expect(JSON.stringify(shown)).not.toContain('very-secret')
  })
})
