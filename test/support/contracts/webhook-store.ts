import { beforeEach, describe, expect, it } from 'vitest'
import type { WebhookStore } from '../../../src/domain/webhook.ts'
import { aWebhook } from '../builders.ts'

/** What every WebhookStore promises. */
export function webhookStoreContract(open: () => WebhookStore): void {
  describe('webhooks', () => {
    let webhooks: WebhookStore

    beforeEach(() => {
      webhooks = open()
    })

    it('are not found when there are none', () => {
      expect(webhooks.find('unknown')).toBeNull()
      expect(webhooks.delete('unknown')).toBe(false)
    })

    it('come back as they were written, and change in every field', () => {
      const webhook = aWebhook({ description: 'from the shop' })
      webhooks.insert(webhook)
      expect(webhooks.find(webhook.id)).toEqual(webhook)
      const changed = aWebhook({
        id: webhook.id,
        functionId: null,
        functionVersion: null,
        functionAlias: 'live',
        updatedAt: 3,
      })
      webhooks.update(changed)
      expect(webhooks.find(webhook.id)).toEqual(changed)
    })

    it('are listed by time, then id, and by project, function and alias', () => {
      const third = aWebhook({ id: 'b', createdAt: 2, functionId: null, functionAlias: 'live' })
      const second = aWebhook({ id: 'a', createdAt: 2 })
      const first = aWebhook({ id: 'c', createdAt: 1, projectId: 'other', functionId: null, functionAlias: 'live' })
      for (const webhook of [third, second, first]) webhooks.insert(webhook)
      expect(webhooks.list(null)).toEqual([first, second, third])
      expect(webhooks.list('default')).toEqual([second, third])
      expect(webhooks.listOfFunction(second.functionId as string)).toEqual([second])
      expect(webhooks.listOfAlias('default', 'live')).toEqual([third])
    })

    it('can be deleted', () => {
      const webhook = aWebhook()
      webhooks.insert(webhook)
      expect(webhooks.delete(webhook.id)).toBe(true)
      expect(webhooks.find(webhook.id)).toBeNull()
    })
  })
}
