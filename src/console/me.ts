import { computed, effect, signal } from '@preact/signals'
import type { WhoAmI } from '../client/resources/tokens.ts'
import { get, needsLogin, token } from './api.ts'

/** Who looks at the page, as the server knows them; null while nobody is known. */
export const me = signal<WhoAmI | null>(null)

/** What only admins may see is not offered to others. While nothing is known it is: the server has the last word. */
export const isAdmin = computed(() => me.value === null || me.value.roles.includes('admin'))

/** Asks anew with each token. */
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
