import { computed, effect, signal } from '@preact/signals'
import type { WhoAmI } from '../client/resources/tokens.ts'
import { get, needsLogin, token } from './api.ts'

/** The current user according to the server; null while unknown. */
export const me = signal<WhoAmI | null>(null)

/** Pages for admins are hidden from others. They are shown while the user is unknown: the server decides anyway. */
export const isAdmin = computed(() => me.value === null || me.value.roles.includes('admin'))

/** Asks again for each token. */
export const followMe = (): void =>
  void effect(() => {
    void token.value
    me.value = null
    if (needsLogin.value) return
    get<WhoAmI>('/v1/whoami').then(
      (known) => {
        me.value = known
      },
      () => {},
    )
  })
